"""Any data set of pictures written as tar archives, and read again."""

import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
from archives import archive, png, samples, shards, table
from PIL import Image

from edgecnn import data
from edgecnn.data import sharding
from edgecnn.data.split import Split
from edgecnn.errors import DataError

SIZE = (10, 12)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of two classes by split, of several formats, with one picture that is none."""
    for part, places in (("train", range(30)), ("val", range(30, 40)), ("test", range(40, 50))):
        for place in places:
            folder = tmp_path / "photos" / part / ("dark", "light")[place % 2]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{place}.photo").write_bytes(png(150 * (place % 2), place))
    folder = tmp_path / "photos" / "train" / "dark"
    Image.open(folder / "0.photo").save(folder / "0.jpg")
    (folder / "copy.of.2.png").write_bytes((folder / "2.photo").read_bytes())
    (folder / "broken.png").write_bytes(b"nothing")
    return tmp_path / "photos"


def pictures(split: Split | None) -> list[tuple[str, bytes]]:
    """Return labels and pixels, in an order that does not depend on how they are stored."""
    assert split is not None
    return sorted(
        (split.names[label], image.tobytes()) for label, image in zip(split.labels_n, split.images_nhwc, strict=True)
    )


def members(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as tar:
            found |= {f"{path.name}/{member.name}": tar.extractfile(member).read() for member in tar}
    return found


def test_splits_survive_and_pictures_are_copied(photos: Path, tmp_path: Path) -> None:
    found = sharding.write(f"folder:{photos}", tmp_path / "out", shards=3)
    assert [(one.split, one.archives, one.pictures) for one in found.splits] == [
        ("train", 3, 32), ("val", 1, 10), ("test", 1, 10),
    ]  # fmt: skip
    assert len(found.skipped) == 1
    assert "broken.png" in found.skipped[0]
    one, other = (data.read_whole(name, SIZE, None) for name in (f"folder:{photos}", f"tar:{tmp_path / 'out'}"))
    for part in ("train", "validation", "test"):
        assert pictures(getattr(one, part)) == pictures(getattr(other, part))
    written = members(tmp_path / "out")
    originals = {path.read_bytes() for path in photos.rglob("*.*") if path.stem != "broken"}
    assert {content for name, content in written.items() if not name.endswith(".cls")} == originals
    assert sum(name.endswith(".jpg") for name in written) == 1
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "classes.txt", "test-000000.tar", "train-000000.tar", "train-000001.tar", "train-000002.tar", "val-000000.tar",
    }  # fmt: skip


def test_what_a_folder_holds_out_is_the_test_split_of_its_archives(photos: Path, tmp_path: Path) -> None:
    sharding.write(f"folder:{photos / 'train'}", tmp_path / "out", shards=2)
    one, other = (
        data.read_whole(name, SIZE, None) for name in (f"folder:{photos / 'train'}", f"tar:{tmp_path / 'out'}")
    )
    assert pictures(one.test) == pictures(other.test)
    assert sorted(pictures(other.train) + pictures(other.validation)) == pictures(one.train)


def test_each_archive_has_all_classes_and_the_seed_alone_decides_the_order(photos: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        sharding.write(f"folder:{photos}", tmp_path / name, shards=3, seed=seed)
    one, two, other = (members(tmp_path / name) for name in ("one", "two", "other"))
    assert list(one) == list(two)
    assert list(one) != list(other)
    assert {name.partition("/")[2] for name in one} == {name.partition("/")[2] for name in other}  # names stay
    for path in (tmp_path / "one").glob("*.tar"):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
        labels = {content for name, content in one.items() if name.startswith(path.name) and name.endswith(".cls")}
        assert labels == {b"0", b"1"}


@pytest.mark.parametrize("write", [shards, table], ids=["tar", "parquet"])
def test_files_of_many_pictures_are_read_once_from_one_end_to_the_other(tmp_path: Path, write) -> None:
    dataset = write(tmp_path / "set")
    sharding.write(dataset, tmp_path / "out", shards=4)
    one, other = (data.read_whole(name, SIZE, None) for name in (dataset, f"tar:{tmp_path / 'out'}"))
    assert pictures(one.test) == pictures(other.test)
    assert not list((tmp_path / "out").glob("pictures"))
    assert any(re.search(r"-(row-)?0*5[89]-[0-9a-f]{8}\.png$", name) for name in members(tmp_path / "out"))


def test_a_named_set_and_arrays_become_png(tmp_path: Path, data_root: Path) -> None:
    found = sharding.write("digits", tmp_path / "digits", shards=2, root=data_root)
    assert [one.split for one in found.splits] == ["train", "test"]
    one, other = (data.read_split(n, "test", size=(8, 8), root=data_root) for n in ("digits", f"tar:{found.folder}"))
    assert pictures(one) == pictures(other)
    colors = np.random.default_rng(0).integers(0, 256, (60, *SIZE, 3), np.uint8)
    np.savez(tmp_path / "own.npz", images=colors, labels=np.arange(60) % 2)
    sharding.write(str(tmp_path / "own.npz"), tmp_path / "own", shards=1)
    one, other = (data.read_split(name, "test", size=SIZE) for name in (f"{tmp_path}/own.npz", f"tar:{tmp_path}/own"))
    assert pictures(one) == pictures(other)


def test_a_picture_that_is_there_twice_keeps_both_its_names(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    lines = ["path,label,split"]
    for place in range(40):
        (tmp_path / "in" / f"{place}.png").write_bytes(png(150 * (place % 2), place))
        lines.append(f"{place}.png,{('dark', 'light')[place % 2]},{('train', 'test')[place > 29]}")
    (tmp_path / "in" / "all.csv").write_text("\n".join([*lines, lines[1], lines[1]]))
    found = sharding.write(f"csv:{tmp_path}/in/all.csv", tmp_path / "out", shards=1)
    assert found.splits[0].pictures == 32
    assert len(data.read_whole(f"tar:{tmp_path}/out", SIZE, None).test) == 10
    assert sum(name.endswith("-3.png") for name in members(tmp_path / "out")) == 1


def test_what_fails_leaves_nothing(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for how, told in (
        ({"shards": 0}, "--shards 0: expected a positive integer"),
        ({"shards": 33}, "has 32 pictures to learn from; expected at least one for each of 33"),
    ):
        with pytest.raises(DataError, match=told):
            sharding.write(f"folder:{photos}", tmp_path / "out", **how)
    with pytest.raises(DataError, match="photos: is there and not empty"):
        sharding.write(f"folder:{photos}", photos, shards=1)
    with pytest.raises(DataError, match="s3:/bucket/out: expected a folder here"):
        sharding.write(f"folder:{photos}", Path("s3://bucket/out"), shards=1)
    monkeypatch.setattr(tarfile.TarFile, "addfile", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OSError, match="No space left"):
        sharding.write(f"folder:{photos}", tmp_path / "out", shards=1)
    assert {path.name for path in tmp_path.iterdir()} == {"photos"}


def test_a_class_whose_name_is_no_line_is_refused(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("dark\nlight\n")
    archive(tmp_path / "all.tar", samples(range(60)))
    for name in ("light", " dark"):
        (tmp_path / "in" / name).mkdir(parents=True)
        for place in range(5):
            (tmp_path / "in" / name / f"{place}.png").write_bytes(png(0, place))
    with pytest.raises(DataError, match=r"the classes ' dark' cannot stand in a file of a name a line"):
        sharding.write(f"folder:{tmp_path / 'in'}", tmp_path / "out", shards=1)
