"""A .npz file of the user's own: in one piece or in two, named or not, and what is refused."""

import io
from pathlib import Path

import numpy as np
import pytest

from edgecnn.data import Split, npz, read_other, read_split
from edgecnn.errors import DataError

LABELS = np.arange(50) % 5
IMAGES = (np.arange(50, dtype=np.uint8)[:, None, None] * np.ones((4, 6), np.uint8)).astype(np.uint8)  # image i is all i


def _file(tmp_path: Path, **arrays) -> str:
    np.savez(tmp_path / "mine.npz", **arrays)
    return str(tmp_path / "mine.npz")


def _numbers(split: Split) -> list[int]:
    return split.images_nhwc[:, 0, 0, 0].tolist()


def _message(path: str, split: str = "train") -> str:
    with pytest.raises(DataError) as caught:
        read_split(path, split)
    assert path in str(caught.value)
    return str(caught.value)


# --- in one piece


def test_one_piece_is_divided_into_train_and_test(tmp_path: Path) -> None:
    path = _file(tmp_path, images=IMAGES, labels=LABELS)
    assert sorted(_numbers(read_split(path, "train")) + _numbers(read_split(path, "test"))) == list(range(50))


def test_a_stratified_fifth_is_the_test_split(tmp_path: Path) -> None:
    path = _file(tmp_path, images=IMAGES, labels=LABELS)
    assert np.bincount(read_split(path, "test").labels_n).tolist() == [2] * 5


def test_the_test_split_is_always_the_same(tmp_path: Path) -> None:
    path = _file(tmp_path, images=IMAGES, labels=LABELS)
    assert _numbers(read_split(path, "test")) == _numbers(read_split(path, "test"))


def test_images_keep_their_labels(tmp_path: Path) -> None:
    found = read_split(_file(tmp_path, images=IMAGES, labels=LABELS), "test")
    assert found.labels_n.tolist() == LABELS[_numbers(found)].tolist()


def test_a_small_set_still_has_every_class_on_both_sides(tmp_path: Path) -> None:
    path = _file(tmp_path, images=IMAGES[:6], labels=np.array([0, 0, 1, 1, 2, 2]))
    assert [np.bincount(read_split(path, split).labels_n).tolist() for split in ("train", "test")] == [[1] * 3] * 2


# --- in two


def test_two_pieces_are_read_as_they_are(tmp_path: Path) -> None:
    test = {"test_images": IMAGES[40:], "test_labels": LABELS[40:]}
    path = _file(tmp_path, train_images=IMAGES[:40], train_labels=LABELS[:40], **test)
    assert _numbers(read_split(path, "train")) == list(range(40))
    assert _numbers(read_split(path, "test")) == list(range(40, 50))


def test_a_class_that_only_one_piece_has_is_a_class_of_both(tmp_path: Path) -> None:
    test = {"test_images": IMAGES[:2], "test_labels": LABELS[:2]}
    path = _file(tmp_path, train_images=IMAGES, train_labels=LABELS, **test)
    assert read_split(path, "test").names == ("0", "1", "2", "3", "4")


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_a_third_pair_is_the_validation_split(tmp_path: Path, name: str) -> None:
    test = {"test_images": IMAGES[40:], "test_labels": LABELS[40:]}
    own = {f"{name}_images": IMAGES[30:40], f"{name}_labels": LABELS[30:40]}
    path = _file(tmp_path, train_images=IMAGES[:30], train_labels=LABELS[:30], **own, **test)
    found = [_numbers(read_split(path, split)) for split in ("train", "validation", "test")]
    assert found == [list(range(30)), list(range(30, 40)), list(range(40, 50))]


def test_a_validation_split_that_is_not_there_is_a_message(tmp_path: Path) -> None:
    message = _message(_file(tmp_path, images=IMAGES, labels=LABELS), "validation")
    assert "has no validation split of its own (val_images and val_labels)" in message


def test_one_piece_that_lacks_classes_of_a_model_is_measured_on_as_a_whole(tmp_path: Path) -> None:
    path = _file(tmp_path, images=IMAGES, labels=LABELS, label_names=np.array(list("abcde")))
    found = read_other(path, tuple("xedcba"), size=(4, 6), channels=1)
    assert (len(found), found.names, found.labels_n[:5].tolist()) == (50, tuple("xedcba"), [5, 4, 3, 2, 1])


# --- shapes, names, sizes


@pytest.mark.parametrize(("tail", "channels"), [((), 1), ((1,), 1), ((3,), 3)], ids=["NHW", "NHW1", "NHW3"])
def test_images_come_with_a_channel_axis(tmp_path: Path, tail: tuple[int, ...], channels: int) -> None:
    images = np.zeros((50, 4, 6, *tail), np.uint8)
    assert read_split(_file(tmp_path, images=images, labels=LABELS), "test").images_nhwc.shape == (10, 4, 6, channels)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_labels_of_any_integer_become_int64(tmp_path: Path, dtype: type) -> None:
    assert read_split(_file(tmp_path, images=IMAGES, labels=LABELS.astype(dtype)), "test").labels_n.dtype == np.int64


def test_names_are_the_numbers_when_none_are_given(tmp_path: Path) -> None:
    assert read_split(_file(tmp_path, images=IMAGES, labels=LABELS), "test").names == ("0", "1", "2", "3", "4")


def test_names_are_those_of_the_file(tmp_path: Path) -> None:
    path = _file(tmp_path, images=IMAGES, labels=LABELS, label_names=np.array(list("abcde")))
    assert read_split(path, "test").names == ("a", "b", "c", "d", "e")


def test_images_are_brought_to_the_size_and_channels_asked_for(tmp_path: Path) -> None:
    path = _file(tmp_path, images=IMAGES, labels=LABELS)
    assert read_split(path, "test", size=(8, 9), channels=3).images_nhwc.shape == (10, 8, 9, 3)


def test_images_keep_their_size_when_none_is_asked_for(tmp_path: Path) -> None:
    path = _file(tmp_path, images=IMAGES, labels=LABELS)
    assert read_split(path, "test").images_nhwc.shape[1:] == (4, 6, 1)


# --- refused


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert _message(str(tmp_path / "none.npz")).endswith("none.npz: no such file.")


def _pickled() -> bytes:
    file = io.BytesIO()
    np.savez(file, images=np.array([{"an": "object"}], dtype=object), labels=LABELS)
    return file.getvalue()


def _one_array() -> bytes:
    file = io.BytesIO()
    np.save(file, IMAGES)
    return file.getvalue()


def _whole() -> bytes:
    file = io.BytesIO()
    np.savez(file, images=IMAGES, labels=LABELS)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", _whole()[:700], _whole().replace(b"\x07" * 24, b"\x08" * 24), _one_array(), _pickled()],
    ids=["empty", "text", "truncated", "damaged", "a .npy file", "pickled objects"],
)
def test_a_broken_file_says_how_to_write_a_good_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.npz").write_bytes(content)
    message = _message(str(tmp_path / "mine.npz"))
    assert "broken or not a .npz file" in message
    assert message.endswith("write it with numpy.savez(path, images=…, labels=…, label_names=…).")


@pytest.mark.parametrize(
    ("keys", "missing"),
    [
        (["images"], "labels"),
        (["x", "y"], "train_images, train_labels, test_images, test_labels"),
        (["train_images", "train_labels", "test_images"], "test_labels"),
    ],
)
def test_missing_arrays_are_named(tmp_path: Path, keys: list[str], missing: str) -> None:
    message = _message(_file(tmp_path, **dict.fromkeys(keys, IMAGES)))
    assert message.endswith(f"has arrays {', '.join(sorted(keys))}; expected also {missing}.")


@pytest.mark.parametrize("labels", [LABELS.astype(np.float32), LABELS.astype(str)])
def test_labels_that_are_no_integers_are_refused(tmp_path: Path, labels) -> None:
    message = _message(_file(tmp_path, images=IMAGES, labels=labels))
    assert f"labels are {labels.dtype}; expected integers 0..classes-1." in message


@pytest.mark.parametrize("count", [40, 60])
def test_labels_that_are_not_one_an_image_are_refused(tmp_path: Path, count: int) -> None:
    message = _message(_file(tmp_path, images=IMAGES, labels=np.arange(count) % 5))
    assert f"50 images but labels of shape ({count},); expected one for each image." in message


def test_labels_in_a_column_are_refused(tmp_path: Path) -> None:
    message = _message(_file(tmp_path, images=IMAGES, labels=LABELS[:, None]))
    assert "50 images but labels of shape (50, 1); expected one for each image." in message


def test_images_that_were_scaled_are_refused(tmp_path: Path) -> None:
    message = _message(_file(tmp_path, images=IMAGES / 255, labels=LABELS))
    assert "images are float64 (50, 4, 6, 1), expected uint8" in message


def test_labels_beyond_the_names_are_refused(tmp_path: Path) -> None:
    message = _message(_file(tmp_path, images=IMAGES, labels=LABELS, label_names=np.array(list("abc"))))
    assert "20 labels out of range, the first 3; expected 0..2 for 3 classes." in message


def test_one_name_that_is_no_list_is_refused(tmp_path: Path) -> None:
    message = _message(_file(tmp_path, images=IMAGES, labels=LABELS, label_names=np.array("abc")))
    assert "labels out of range, the first 1; expected 0..0 for 1 classes." in message


def test_one_class_is_refused(tmp_path: Path) -> None:
    message = _message(_file(tmp_path, images=IMAGES, labels=np.zeros(50, np.int64)))
    assert "only one class (0); a classifier needs at least two." in message


def test_too_few_images_are_refused(tmp_path: Path) -> None:
    message = _message(_file(tmp_path, images=IMAGES[:1], labels=LABELS[:1]))
    assert "only one class" in message


# --- written for the cache


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    npz.write(tmp_path / "train.npz", {"images": IMAGES, "labels": LABELS})
    np.testing.assert_array_equal(np.load(tmp_path / "train.npz")["images"], IMAGES)


def test_a_disk_that_is_full_leaves_nothing(tmp_path: Path, monkeypatch) -> None:
    def half(path: Path, **_: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(OSError, match="No space left"):
        npz.write(tmp_path / "train.npz", {"images": IMAGES})
    assert list(tmp_path.iterdir()) == []


def test_labels_that_are_no_numbers_of_classes_are_refused(tmp_path: Path) -> None:
    """An identifier for a label would make a confusion matrix of a billion classes."""
    labels = LABELS.copy()
    labels[0] = 10**9
    message = _message(_file(tmp_path, images=IMAGES, labels=labels))
    assert f"labels go up to 1,000,000,000, with {len(LABELS)} images" in message


def test_gaps_between_labels_and_names_given_twice_are_refused(tmp_path: Path) -> None:
    message = _message(_file(tmp_path, images=IMAGES, labels=np.where(LABELS.max() == LABELS, LABELS + 1, LABELS)))
    assert f"no image of {LABELS.max()}; expected labels 0..classes-1" in message
    names = np.array(["a", *"a" * int(LABELS.max())])
    assert "label_names has a name twice" in _message(_file(tmp_path, images=IMAGES, labels=LABELS, label_names=names))


def test_names_that_differ_in_accents_alone_are_one_name(tmp_path: Path) -> None:
    names = np.array(["caf\xe9", "cafe\u0301", "tea", "milk", "water"])
    message = _message(_file(tmp_path, images=IMAGES, labels=LABELS, label_names=names))
    assert message.endswith(r"'cafe\u0301' and 'caf\xe9' differ in composed and decomposed accents alone.")
