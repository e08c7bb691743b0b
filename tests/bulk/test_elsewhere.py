"""Units in a store of objects, from a real server that speaks S3's protocol: the pictures of those on this machine."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archives import archive, png, samples, shards, table
from s3 import BUCKET, S3, named

from edgecnn.bulk.units import Taken, Unit, units_of
from edgecnn.data import shards as shards_module
from edgecnn.errors import DataError

WRITERS = pytest.mark.parametrize("write", [shards, table], ids=["tar", "parquet"])


def both(s3: S3, write: Callable[[Path], str], home: Path) -> tuple[str, str]:
    """Write pictures, upload them, and return what they are called here and there."""
    here = write(home)
    prefix, path = here.split(":", 1)
    return here, f"{prefix}:{s3.put(Path(path), home.parent.name)}"


def taken(units: list[Unit]) -> list[Taken]:
    return [one for unit in units for one in unit.pictures()]


@WRITERS
def test_pictures_there_are_those_that_lie_here_under_their_address(
    s3: S3, tmp_path: Path, write: Callable[[Path], str]
) -> None:
    here, there = both(s3, write, tmp_path / "set")
    ours, theirs = taken(units_of([here])), taken(units_of([there]))
    assert [one.content for one in theirs] == [one.content for one in ours]
    assert None not in [one.content for one in ours]
    home = here.partition(":")[2].removesuffix("all.parquet").rstrip("/")
    address = f"s3://{BUCKET}/{tmp_path.name}"
    assert [one.path for one in theirs] == [one.path.replace(home, address) for one in ours]


@WRITERS
def test_a_file_comes_in_few_requests(s3: S3, tmp_path: Path, write: Callable[[Path], str]) -> None:
    _, there = both(s3, write, tmp_path / "set")
    suffix = ".tar" if write is shards else ".parquet"
    before = s3.reads(suffix)
    units = units_of([there])
    assert len(taken(units)) == 60
    assert 0 < s3.reads(suffix) - before <= (6 if write is shards else 20)  # three archives; six row groups


def test_a_pattern_is_of_addresses_too(s3: S3, tmp_path: Path) -> None:
    _, there = both(s3, shards, tmp_path / "set")
    assert [unit.said for unit in units_of([f"{there}/*-00000[02].tar"])] == [
        f"s3://{BUCKET}/{tmp_path.name}/train-000000.tar",
        f"s3://{BUCKET}/{tmp_path.name}/train-000002.tar",
    ]
    with pytest.raises(DataError, match=r"nothing-\*\.tar: not there"):
        units_of([f"{there}/nothing-*.tar"])


@WRITERS
def test_what_is_written_again_has_another_key_unless_it_is_the_same(
    s3: S3, tmp_path: Path, write: Callable[[Path], str]
) -> None:
    here, there = both(s3, write, tmp_path / "set")
    before = [unit.key for unit in units_of([there])]
    both(s3, write, tmp_path / "set")
    assert [unit.key for unit in units_of([there])] == before
    file = Path(here.partition(":")[2])
    if write is shards:
        archive(file / "train-000001.tar", samples(range(100, 120)))
        s3.put(file / "train-000001.tar", tmp_path.name)
    else:
        pq.write_table(pa.table({"image": [png(0, 7)] * 60}), file, row_group_size=10)
        s3.put(file, tmp_path.name)
    changed = [now != then for now, then in zip([unit.key for unit in units_of([there])], before, strict=True)]
    assert changed == ([False, True, False] if write is shards else [True])


def test_a_row_that_names_a_file_has_it_from_beside_its_table(s3: S3, tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(png(0))
    pq.write_table(pa.table({"path": ["1.png", "2.png"]}), tmp_path / "all.parquet")
    found, lost = taken(units_of([f"parquet:{s3.put(tmp_path, tmp_path.name)}"]))
    assert found.content == png(0)
    assert lost.content is None
    assert str(lost.error).startswith(f"s3://{BUCKET}/{tmp_path.name}/all.parquet#1: cannot be read (")


def test_an_archive_that_is_none_is_a_row_with_an_error(s3: S3, tmp_path: Path) -> None:
    (tmp_path / "one.tar").write_bytes(b"x" * 5000)
    (only,) = taken(units_of([f"tar:{s3.put(tmp_path, tmp_path.name)}"]))
    assert str(only.error).startswith(f"s3://{BUCKET}/{tmp_path.name}/one.tar: not a tar archive that can be read")


def test_what_is_not_there_is_said_before_anything_is_started(s3: S3) -> None:
    with pytest.raises(DataError, match=rf"^s3://{BUCKET}/nothing: not there"):
        units_of([f"tar:s3://{BUCKET}/nothing"])


@WRITERS
def test_a_server_that_is_gone_is_an_error_and_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], str]
) -> None:
    own = S3(tmp_path)
    with named(own, monkeypatch):
        _, there = both(own, write, tmp_path / "a" / "set")
        units = units_of([there])
        monkeypatch.setattr(shards_module, "AHEAD", 5000)  # bytes: less than there are
        pictures = (one for unit in units for one in unit.pictures())
        next(pictures)
        own.kill()
        with pytest.raises(DataError, match="cannot be read"):
            assert all(one.content for one in pictures)
