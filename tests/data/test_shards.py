"""Tar archives in WebDataset's layout as data sets, and pictures that stay in their files."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from archives import LABELS, archive, png, samples, shards, table
from hypothesis import given
from hypothesis import strategies as st

from edgecnn import data
from edgecnn.data.listed import Listed
from edgecnn.data.shards import listed, share_of
from edgecnn.data.streamed import Looked, shuffled
from edgecnn.errors import DataError


def keys(found: Listed) -> dict[str, set[str]]:
    parts = {"train": found.train, "validation": found.validation, "test": found.test}
    return {part: {entry.said.partition(", ")[2] for entry in entries or ()} for part, entries in parts.items()}


def test_samples_have_their_pictures_and_labels(tmp_path: Path) -> None:
    whole = data.read_whole(shards(tmp_path), (10, 12), None)
    assert whole.validation is not None
    assert whole.train.names == LABELS
    assert len(whole.train) + len(whole.validation) + len(whole.test) == 60
    for split in (whole.train, whole.validation, whole.test):
        assert np.array_equal(split.images_nhwc.mean(axis=(1, 2, 3)) > 125, split.labels_n == 1)
    assert whole.sources.test == "a fifth by key"


def test_a_sample_stays_in_its_split_whatever_is_added(tmp_path: Path) -> None:
    before = keys(listed(Path(shards(tmp_path / "few", 40).removeprefix("tar:"))))
    after = keys(listed(Path(shards(tmp_path / "more", 200, each=35, part="part-").removeprefix("tar:"))))
    for part, found in before.items():
        assert found
        assert found <= after[part]
    assert not after["train"] & (after["validation"] | after["test"])


def test_archives_that_are_named_like_splits_are_these(tmp_path: Path) -> None:
    for part, places in (("train", range(20)), ("val", range(20, 30)), ("test", range(30, 40))):
        archive(tmp_path / f"{part}-000000.tar", samples(places))
    found = keys(listed(tmp_path))
    assert {part: len(there) for part, there in found.items()} == {"train": 20, "validation": 10, "test": 10}
    (tmp_path / "test-000000.tar").unlink()  # beside train alone, validation is the test split
    found = keys(listed(tmp_path))
    assert len(found["test"]) == 10
    assert found["validation"] == {key for key in (f"{n:06}" for n in range(20)) if share_of(key) < 0.1}


@pytest.mark.parametrize(
    "label", [{"cls": b"light\n"}, {"txt": b" light"}, {"json": json.dumps({"label": "light"}).encode()}]
)
def test_labels_are_words_as_well(tmp_path: Path, label: dict[str, bytes]) -> None:
    (suffix, content) = next(iter(label.items()))
    members = samples(range(40)) | {"x/1.PNG": png(1), f"x/1.{suffix}": content, "x/1.seg.npy": b"", "README": b"hello"}
    if suffix != "cls":
        members |= {"x/2.jpg": png(1), "x/2.cls": b"0"}
    archive(tmp_path / "all.tar", members)
    (tmp_path / "classes.txt").write_text("dark\nlight\n")
    found = listed(tmp_path / "all.tar")
    assert [entry.label for entry in found.entries if entry.said == "all.tar, x/1"] == [1]


def test_numbers_without_names_are_sorted_as_numbers(tmp_path: Path) -> None:
    members = samples(range(60)) | {"a.png": png(1), "a.cls": b"10"}
    assert listed(archive(tmp_path / "all.tar", members)).names == ("0", "1", "10")


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({}, "no sample in it"),
        ({"1.png": b"x"}, "all.tar, 1: has 1 pictures and no label; expected one picture, and a label in"),
        ({"1.cls": b"1"}, "all.tar, 1: has 0 pictures and a label"),
        ({"1.png": b"x", "1.jpg": b"x", "1.cls": b"1"}, "has 2 pictures"),
        ({"1.png": b"x", "1.cls": b""}, "the label in .cls cannot be read"),
        ({"1.png": b"x", "1.json": b'{"class": 1}'}, "the label in .json cannot be read (KeyError"),
        ({"1.png": b"x", "1.cls": b"1"}, "1 samples are too few to hold out some by their keys"),
    ],
)
def test_what_is_no_sample_is_a_message(tmp_path: Path, members: dict[str, bytes], told: str) -> None:
    with pytest.raises(DataError) as caught:
        listed(archive(tmp_path / "all.tar", members))
    assert told in str(caught.value)


def test_what_is_no_archive_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "bad.tar").write_bytes(b"no archive " * 100)
    with pytest.raises(DataError, match=r"bad.tar: not a tar archive that can be read .* not compressed"):
        listed(tmp_path)
    with tarfile.open(tmp_path / "bad.tar", "w:gz") as tar:
        tar.add(__file__, "1.png")
    with pytest.raises(DataError, match=r"expected one that is not compressed"):
        listed(tmp_path)
    with pytest.raises(DataError, match=r"nowhere.tar: not a tar archive"):
        listed(tmp_path / "nowhere.tar")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no file ends in \.tar"):
        listed(tmp_path / "empty")
    archive(tmp_path / "bad.tar", samples(range(60)))
    (tmp_path / "classes.txt").write_text("dark")
    with pytest.raises(DataError, match=r"the label is '1'; expected one of the 1 names in classes.txt, or 0..0"):
        listed(tmp_path)


def test_an_archive_that_was_cut_off_names_itself(tmp_path: Path) -> None:
    path = archive(tmp_path / "all.tar", samples(range(60)))
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(DataError, match=r"all.tar"):
        listed(path)


def test_a_picture_that_cannot_be_read_is_left_out_and_named(tmp_path: Path) -> None:
    members = samples(range(60)) | {"broken.png": b"nothing", "broken.cls": b"0"}
    dataset = f"tar:{archive(tmp_path / 'all.tar', members)}"
    whole, looked = data.read_whole(dataset, (10, 12), None), Looked(dataset, (10, 12), None, 7).whole
    told = [text for split in (whole.train, whole.validation, whole.test) if split for text in split.skipped]
    assert any("all.tar, broken: not a picture" in text for text in told)
    for one, other in ((whole.train, looked.train), (whole.test, looked.test)):
        assert (one.files, one.skipped, one.labels_n.tolist()) == (other.files, other.skipped, other.labels_n.tolist())


@pytest.mark.parametrize("write", [shards, table], ids=["tar", "parquet"])
def test_pictures_in_files_are_those_that_are_read_at_once(tmp_path: Path, write: Callable[[Path], str]) -> None:
    dataset = write(tmp_path)
    whole, looked = data.read_whole(dataset, (8, 8), None), Looked(dataset, (8, 8), None, 7)
    pictures = looked.streamed(looked.whole.train)
    assert pictures.shape == whole.train.images_nhwc.shape
    assert np.array_equal(np.concatenate(list(pictures.chunks())), whole.train.images_nhwc)
    backwards = np.arange(len(pictures))[::-1]
    assert np.array_equal(pictures.read(backwards), whole.train.images_nhwc[backwards])
    assert np.array_equal(looked.whole.train.labels_n, whole.train.labels_n)


def test_a_picture_that_is_another_one_now_is_refused(tmp_path: Path) -> None:
    dataset = shards(tmp_path, each=60)
    looked = Looked(dataset, (8, 8), None, 7)
    pictures = looked.streamed(looked.whole.train)
    members = samples(range(60)) | {"000000.png": samples(range(60))["000002.png"]}
    archive(tmp_path / "train-000000.tar", members)
    with pytest.raises(DataError, match=r"train-000000.tar, 0000.. now|train-000000.tar, 0000..: another picture now"):
        list(pictures.chunks())
    (tmp_path / "train-000000.tar").unlink()
    with pytest.raises(DataError, match=r"cannot be read .* now; it was read before"):
        pictures.read_one(0)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=9), st.integers(1, 40), st.integers(0, 2**32))
def test_an_order_takes_each_once_and_holds_no_more_than_its_buffer(sizes: list[int], buffer: int, seed: int) -> None:
    unit_n = np.repeat(np.arange(len(sizes)), sizes)
    coming, drawn = shuffled(unit_n, buffer, seed)
    assert sorted(coming.tolist()) == sorted(drawn.tolist()) == list(range(len(unit_n)))
    came_at = np.argsort(coming)
    assert (came_at[drawn] < np.arange(len(drawn)) + buffer).all()
    for unit in range(len(sizes)):  # each from its first to its last, in one go
        places = came_at[unit_n == unit]
        assert np.array_equal(places, np.arange(places[0], places[0] + len(places)))
    again = shuffled(unit_n, buffer, seed)
    assert np.array_equal(again[1], drawn)


def test_a_buffer_as_large_as_the_set_shuffles_all_of_it() -> None:
    firsts = [int(shuffled(np.zeros(50, np.int64), 50, seed)[1][0]) for seed in range(40)]
    assert max(firsts) > 40
    _, drawn = shuffled(np.zeros(50, np.int64), 1, 0)
    assert drawn.tolist() == list(range(50))  # a buffer of one shuffles nothing
