"""Shards in a store of objects, read from a real server that speaks S3's protocol."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from archives import LABELS, png, shards, table
from s3 import BUCKET, S3, named

from edgecnn import checkpoint, data, train
from edgecnn.checkpoint import LAST
from edgecnn.data import stores
from edgecnn.data.read import public_name
from edgecnn.data.sources import listed_of
from edgecnn.data.streamed import Looked
from edgecnn.errors import DataError, Interrupted, MissingPackageError

WRITERS = pytest.mark.parametrize("write", [shards, table], ids=["tar", "parquet"])
SMALL = {
    "epochs": 2, "batch_size": 8, "data.size": 10, "data.validation": 0.2, "data.buffer": 10, "precision": "fp32",
    "network.parameters": {"filters": [4]}, "augment.flip": "alternating",
}  # fmt: skip


def both(s3: S3, write: Callable[[Path], str], home: Path) -> tuple[str, str]:
    """Write a set, upload it, and return what it is called here and there."""
    here = write(home)
    prefix, path = here.split(":", 1)
    return here, f"{prefix}:{s3.put(Path(path), home.parent.name)}"


def edgecnn(*arguments: str, **environment: str) -> str:
    """Return what the command says when it refuses."""
    command = [sys.executable, "-m", "edgecnn_cli.main", *arguments]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    told = subprocess.run(command, env=kept | environment, capture_output=True, text=True, check=False)
    assert told.returncode == 2, told
    assert "Traceback" not in told.stderr
    return "".join(line for line in told.stderr.splitlines(True) if not line.startswith("Matplotlib is building"))


@WRITERS
def test_a_set_there_is_the_set_that_it_is_here(s3: S3, tmp_path: Path, write: Callable[[Path], str]) -> None:
    here, there = both(s3, write, tmp_path / "set")
    held, read_there = read(here), read(there)
    for part in ("train", "validation", "test"):
        one, other = getattr(held, part), getattr(read_there, part)
        assert (one is None) == (other is None)
        if one is not None:
            assert np.array_equal(one.images_nhwc, other.images_nhwc)
            assert (one.files, one.names, one.labels_n.tolist()) == (other.files, other.names, other.labels_n.tolist())
    assert public_name(there) == public_name(here).replace("set", tmp_path.name)


def read(dataset: str):
    return data.read_whole(dataset, (10, 12), None)


@WRITERS
def test_a_file_alone_is_read(s3: S3, tmp_path: Path, write: Callable[[Path], str]) -> None:
    _, there = both(s3, write, tmp_path / "set")
    if write is shards:
        there += "/train-000000.tar"
    found = listed_of(there)
    assert found is not None
    assert found.names == LABELS  # those of classes.txt beside it
    assert len(found.entries) == (20 if write is shards else 60)


@WRITERS
def test_pictures_that_follow_each_other_come_in_few_requests(
    s3: S3, tmp_path: Path, write: Callable[[Path], str]
) -> None:
    here, there = both(s3, write, tmp_path / "set")
    suffix = ".tar" if write is shards else ".parquet"
    listed = s3.reads(suffix)
    found = Looked(there, (8, 8), None, 7)
    pictures = found.streamed(found.whole.train)
    looked = s3.reads(suffix)
    local = Looked(here, (8, 8), None, 7)
    stored = local.streamed(local.whole.train)
    assert np.array_equal(np.concatenate(list(pictures.chunks())), np.concatenate(list(stored.chunks())))
    read = s3.reads(suffix)
    assert 0 < looked - listed <= 20  # three archives of 20 pictures, or one file of six row groups
    assert 0 < read - looked <= 6
    backwards = np.arange(len(pictures))[::-1]
    assert np.array_equal(pictures.read(backwards), stored.read(backwards))


@WRITERS
def test_a_training_that_was_stopped_in_an_epoch_comes_to_the_weights_of_one_on_local_files(
    s3: S3, tmp_path: Path, write: Callable[[Path], str]
) -> None:
    here, there = both(s3, write, tmp_path / "set")
    train("digits-compact", tmp_path / "here", overrides={**SMALL, "data.name": here})
    for batches in (2, 4):
        left = iter(range(batches))
        with pytest.raises(Interrupted, match=r"stopped in epoch|everything is saved"):
            train(
                "digits-compact", tmp_path / "there", overrides={**SMALL, "data.name": there},
                resume=batches > 2, should_stop=lambda left=left: next(left, None) is None,
            )  # fmt: skip
    train("digits-compact", tmp_path / "there", overrides={**SMALL, "data.name": there}, resume=True)
    one, other = (checkpoint.read(tmp_path / run / LAST).weights for run in ("here", "there"))
    assert all(torch.equal(weight, other[name]) for name, weight in one.items())


def test_a_table_of_names_has_its_pictures_beside_it(s3: S3, tmp_path: Path) -> None:
    rows = {"image": [f"all/{place}.png" for place in range(20)], "label": [LABELS[place % 2] for place in range(20)]}
    (tmp_path / "all").mkdir()
    for place in range(20):
        (tmp_path / "all" / f"{place}.png").write_bytes(png(150 * (place % 2), place))
    pq.write_table(pa.table(rows), tmp_path / "names.parquet")
    there = f"parquet:{s3.put(tmp_path, tmp_path.name)}/names.parquet"
    assert np.array_equal(read(there).train.images_nhwc, read(f"parquet:{tmp_path}/names.parquet").train.images_nhwc)
    (tmp_path / "all" / "3.png").unlink()
    s3.client().delete_object(Bucket=BUCKET, Key=f"{tmp_path.name}/all/3.png")
    with pytest.raises(DataError, match=r"names.parquet: names s3://.*/all/3\.png, which is not there"):
        read(there)


def test_any_other_address_of_fsspec_is_read(tmp_path: Path) -> None:
    here = shards(tmp_path / "set")
    assert np.array_equal(read(f"tar:file://{tmp_path}/set").test.images_nhwc, read(here).test.images_nhwc)


def test_an_archive_that_is_replaced_in_the_meantime_is_refused(s3: S3, tmp_path: Path) -> None:
    _, there = both(s3, shards, tmp_path / "set")
    looked = Looked(there, (8, 8), None, 7)
    pictures = looked.streamed(looked.whole.train)
    pictures.read_one(0)
    (tmp_path / "set" / "train-000001.tar").write_bytes((tmp_path / "set" / "train-000000.tar").read_bytes())
    s3.put(tmp_path / "set", tmp_path.name)
    with pytest.raises(DataError, match=r"train-000001\.tar"):
        list(pictures.chunks())


def test_what_is_not_there_is_a_message(s3: S3, tmp_path: Path) -> None:
    _, there = both(s3, shards, tmp_path / "set")
    with pytest.raises(DataError, match=r"^s3://nowhere/set: not there \(.*bucket does not exist\)\. Expected"):
        listed_of("tar:s3://nowhere/set")
    with pytest.raises(DataError, match=rf"^s3://{BUCKET}/nothing: not there"):
        listed_of(f"parquet:s3://{BUCKET}/nothing")
    with pytest.raises(DataError, match=r"^parquet:s3://.*: no file ends in \.parquet"):
        listed_of(there.replace("tar:", "parquet:"))
    with pytest.raises(DataError, match=r"^quux://a: no address that fsspec reads \(Protocol not known: quux\)"):
        listed_of("tar:quux://a")


@pytest.mark.parametrize("prefix", ["folder:", "csv:", "hf:"])
def test_what_is_read_on_this_machine_alone_says_so(prefix: str) -> None:
    with pytest.raises(DataError, match=rf"{prefix} reads what lies on this machine.*parquet: and tar: are read"):
        listed_of(f"{prefix}s3://bucket/set")


def test_an_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingPackageError, match=r"^This needs gcsfs.*pip install 'edgecnn\[gcs\]'$"):
        listed_of("tar:gs://bucket/set")
    with pytest.raises(MissingPackageError, match=r"^abfs://bucket: Install adlfs to access Azure"):
        listed_of("tar:abfs://bucket")
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingPackageError, match=r"^This needs s3fs.*pip install 'edgecnn\[s3\]'$"):
        listed_of("parquet:s3://bucket/set")


def test_a_server_that_is_gone_is_a_message_and_no_picture_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = S3(tmp_path)
    with named(own, monkeypatch):
        see_that_none_is_passed_over(own, tmp_path, monkeypatch)


def see_that_none_is_passed_over(own: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "AHEAD", 1000)  # bytes: less than there are
    there = f"tar:{own.put(Path(shards(tmp_path / 'set')[4:]), 'set')}"
    looked = Looked(there, (8, 8), None, 7)
    pictures, found = looked.streamed(looked.whole.train), listed_of(there)
    assert found is not None
    pictures.read_one(0)
    own.kill()
    with pytest.raises(DataError, match=r"train-00000\d\.tar: cannot be read \(Could not connect.*--resume"):
        list(pictures.chunks())
    with pytest.raises(DataError, match="cannot be read"):
        data.listed.read_whole(found, (8, 8), None)
    own.start()  # as empty as it was
    own.put(tmp_path / "set", "set")
    assert len(np.concatenate(list(pictures.chunks()))) == len(pictures)
    own.kill()


@pytest.mark.slow
def test_the_command_says_in_a_line_what_is_wrong(s3_server: S3, tmp_path: Path) -> None:
    arguments = ("train", "--data", "tar:s3://nowhere/set", "-o", str(tmp_path / "run"))
    assert edgecnn(*arguments, **s3_server.environment).startswith("error: s3://nowhere/set: not there (")
    keyless = {name: value for name, value in s3_server.environment.items() if "KEY" not in name}
    said = edgecnn(*arguments, **keyless)
    assert said.startswith("error: s3://nowhere/set: may not be read (Unable to locate credentials). Expected keys")
    gone = edgecnn(*arguments, **{**s3_server.environment, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert gone.startswith("error: s3://nowhere/set: cannot be read (Could not connect to the endpoint URL")
    assert all(len(text.splitlines()) == 1 for text in (said, gone))
    assert not list(tmp_path.iterdir())


def test_errors_of_reading_are_those_of_the_store() -> None:
    class Broken:
        def unstrip_protocol(self, path: str) -> str:
            return f"s3://{path}"

        def open(self, path: str, mode: str, **how: object) -> io.BytesIO:
            raise PermissionError("Forbidden")

    with pytest.raises(DataError, match=r"^s3://bucket/a\.tar: may not be read \(Forbidden\)\. Expected keys"):
        stores.opened(stores.Remote("bucket/a.tar", stores.Store(Broken())))
