"""A folder of pictures by class: whatever sizes and kinds they have, with or without train and test inside."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn.card import ImageInput
from edgecnn.data import Split, read_other, read_split
from edgecnn.errors import DataError
from edgecnn.runtime.image import read_image, to_input


def _picture(path: Path, level: int = 100, *, mode: str = "L", size: tuple[int, int] = (32, 32)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, level).convert(mode).save(path)


def _classes(home: Path, **levels: list[int]) -> None:
    """Make a folder of plain gray pictures for each class, with these gray levels."""
    for name, values in levels.items():
        for value in values:
            _picture(home / name / f"{value}.png", value)


def _levels(split: Split) -> list[int]:
    return split.images_nhwc[:, 0, 0, 0].tolist()


def _read(home: Path, split: str = "train", **wanted) -> Split:
    return read_split(f"folder:{home}", split, **wanted)


def _message(home: Path, split: str = "train") -> str:
    with pytest.raises(DataError) as caught:
        _read(home, split)
    return str(caught.value)


@pytest.fixture
def divided(tmp_path: Path) -> Path:
    """train: cats 1 2, dogs 3 4. test: cats 5, dogs 6."""
    _classes(tmp_path / "train", cat=[1, 2], dog=[3, 4])
    _classes(tmp_path / "test", cat=[5], dog=[6])
    return tmp_path


# --- which pictures, which labels


def test_train_and_test_inside_are_the_splits(divided: Path) -> None:
    assert (_levels(_read(divided, "train")), _levels(_read(divided, "test"))) == ([1, 2, 3, 4], [5, 6])


def test_labels_follow_the_folders_in_the_order_of_their_names(divided: Path) -> None:
    found = _read(divided)
    assert (found.names, found.labels_n.tolist()) == (("cat", "dog"), [0, 0, 1, 1])


def test_a_class_that_test_lacks_does_not_move_the_labels(divided: Path) -> None:
    _classes(divided / "train", ant=[7])
    found = _read(divided, "test")
    assert (found.names, found.labels_n.tolist()) == (("ant", "cat", "dog"), [1, 2])


def test_without_train_and_test_all_pictures_are_divided(tmp_path: Path) -> None:
    _classes(tmp_path, cat=list(range(10)), dog=list(range(10, 20)))
    assert sorted(_levels(_read(tmp_path, "train")) + _levels(_read(tmp_path, "test"))) == list(range(20))


def test_without_train_and_test_a_stratified_fifth_is_test(tmp_path: Path) -> None:
    _classes(tmp_path, cat=list(range(10)), dog=list(range(10, 20)))
    assert np.bincount(_read(tmp_path, "test").labels_n).tolist() == [2, 2]


def test_without_train_and_test_the_division_is_always_the_same(tmp_path: Path) -> None:
    _classes(tmp_path, cat=list(range(10)), dog=list(range(10, 20)))
    assert _levels(_read(tmp_path, "test")) == _levels(_read(tmp_path, "test"))


def test_three_pictures_a_class_are_enough_for_both_splits(tmp_path: Path) -> None:
    _classes(tmp_path, cat=[1, 2, 3], dog=[4, 5, 6])
    assert [np.bincount(_read(tmp_path, split).labels_n).tolist() for split in ("train", "test")] == [[2, 2], [1, 1]]


def test_pictures_in_folders_of_a_class_belong_to_it(divided: Path) -> None:
    _picture(divided / "train" / "cat" / "persian" / "x.png", 9)
    assert _read(divided).labels_n.tolist() == [0, 0, 0, 1, 1]


def test_a_class_without_pictures_is_an_error(divided: Path) -> None:
    (divided / "train" / "bat").mkdir()
    assert _message(divided) == (
        f"folder:{divided}: no readable picture of bat; add some, or remove the folder of that class."
    )


def test_a_class_without_pictures_says_what_there_is_instead(divided: Path) -> None:
    for name in ("1.heic", "2.heic", "notes.txt", "broken.png"):
        (divided / "train" / "bat" / name).parent.mkdir(exist_ok=True)
        (divided / "train" / "bat" / name).write_bytes(b"x")
    _picture(divided / "train" / "bat" / ".hidden" / "x.png")
    assert _message(divided).endswith(
        "remove the folder of that class. There is 2 .heic (not read), 1 .txt (not read), 1 that cannot be read, "
        "bat/.hidden (hidden)."
    )


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_the_held_out_folder_may_have_another_name(divided: Path, name: str) -> None:
    expected = _read(divided, "test")
    (divided / "test").rename(divided / name)
    assert _levels(_read(divided, "test")) == _levels(expected)


@pytest.mark.parametrize("stray", [".git/objects.png", "readme.png", "cat/notes.txt", "cat/.DS_Store"])
def test_what_is_no_picture_of_a_class_is_passed_over(divided: Path, stray: str) -> None:
    (divided / "train" / stray).parent.mkdir(exist_ok=True)
    (divided / "train" / stray).write_bytes(b"stray")
    found = _read(divided)
    assert (found.names, _levels(found), found.skipped) == (("cat", "dog"), [1, 2, 3, 4], ())


def test_pictures_in_hidden_folders_of_a_class_are_not_learned_from(divided: Path) -> None:
    _picture(divided / "train" / "cat" / ".ipynb_checkpoints" / "1-checkpoint.png", 9)
    _picture(divided / "train" / "cat" / "@eaDir" / "thumb.png", 9)
    assert _levels(_read(divided)) == [1, 2, 3, 4]


def test_pictures_in_linked_folders_of_a_class_belong_to_it(tmp_path: Path) -> None:
    for name, level in (("cat", 1), ("dog", 2)):
        _picture(tmp_path / "elsewhere" / name / "a.png", level)
        for half in ("train", "test"):
            (tmp_path / "set" / half / name).mkdir(parents=True)
            (tmp_path / "set" / half / name / "linked").symlink_to(tmp_path / "elsewhere" / name)
    assert _levels(_read(tmp_path / "set")) == [1, 2]


@pytest.mark.parametrize("name", ["x.jfif", "x.jpe", "x.avif", "x.jp2", "x.tga", "no-suffix"])
def test_formats_that_are_read_one_by_one_are_read_from_folders(divided: Path, name: str) -> None:
    path = divided / "train" / "cat" / name
    Image.new("RGB", (32, 32), (9, 9, 9)).save(path, None if path.suffix else "PNG")
    assert len(_read(divided)) == 5


# --- which folder is which split


@pytest.mark.parametrize("name", ["val", "valid", "validation", "Val"])
def test_val_beside_train_and_test_is_the_validation_split(divided: Path, name: str) -> None:
    _classes(divided / name, cat=[7], dog=[8])
    found = [_levels(_read(divided, split)) for split in ("train", "validation", "test")]
    assert found == [[1, 2, 3, 4], [7, 8], [5, 6]]


def test_a_validation_split_that_is_not_there_is_a_message(divided: Path) -> None:
    assert "has no validation split of its own (val beside train and test)" in _message(divided, "validation")


def test_a_class_that_only_val_has_is_named(divided: Path) -> None:
    _classes(divided / "val", cat=[7], eel=[8])
    assert _message(divided, "train") == f"folder:{divided}: val has classes that train lacks: eel."


def test_test_without_train_is_a_message(tmp_path: Path) -> None:
    for half in ("test", "val"):
        _classes(tmp_path / half, cat=[1], dog=[2])
    message = _message(tmp_path)
    assert (
        "has test and val and no train beside it; expected a folder train too, or the folder that has the " in message
    )
    assert message.endswith(f"--data folder:{tmp_path / 'test'}")


def test_one_picture_a_class_says_how_many_it_takes(tmp_path: Path) -> None:
    _classes(tmp_path, ant=[1], bee=[2], cat=[3])
    message = _message(tmp_path)
    assert "3 images of 3 classes, and with a fifth held out as the test split none of " in message
    assert "expected at least 3 a class: to learn from, to choose by and to test on" in message


# --- names that look alike

COMPOSED, DECOMPOSED = "caf\xe9", "cafe\u0301"


def test_accents_may_be_written_either_way(tmp_path: Path) -> None:
    _classes(tmp_path / "train", **{COMPOSED: [1], "tea": [2]})
    _classes(tmp_path / "test", **{DECOMPOSED: [3], "tea": [4]})
    found = [_read(tmp_path, split) for split in ("train", "test")]
    assert [(split.names, _levels(split)) for split in found] == [
        ((COMPOSED, "tea"), [1, 2]),
        ((COMPOSED, "tea"), [3, 4]),
    ]


def test_two_classes_of_one_name_say_what_differs(tmp_path: Path) -> None:
    _classes(tmp_path, **{COMPOSED: [1, 2, 3], DECOMPOSED: [4, 5, 6], "tea": [7, 8, 9]})
    if len(list(tmp_path.iterdir())) < 3:
        pytest.skip("this file system takes both for one")
    assert "two classes have one name. 'cafe\\u0301' and 'caf\\xe9' differ in composed and decomposed accents" in (
        _message(tmp_path)
    )


@pytest.mark.parametrize(("name", "what"), [("Cat", "case"), ("cat ", "spaces")], ids=["case", "spaces"])
def test_a_class_that_differs_in_nothing_that_is_seen_says_in_what(divided: Path, name: str, what: str) -> None:
    (divided / "test" / "cat").rename(divided / "test" / name)
    assert _message(divided, "test") == (
        f"folder:{divided}: test has classes that train lacks: {name}. '{name}' and 'cat' differ in {what} alone."
    )


# --- measured on by a model of other data


def _other(home: Path, *labels: str) -> Split:
    return read_other(f"folder:{home}", labels, size=(32, 32), channels=1)


def test_a_flat_folder_that_lacks_a_class_is_a_test_split_as_a_whole(tmp_path: Path) -> None:
    _classes(tmp_path, cat=[1, 2, 3], dog=[4, 5, 6])
    found = _other(tmp_path, "dog", "ant", "cat")
    assert (found.names, _levels(found), found.labels_n.tolist()) == (
        ("dog", "ant", "cat"),
        [4, 5, 6, 1, 2, 3],
        [0, 0, 0, 2, 2, 2],
    )


def test_an_empty_folder_for_a_class_that_is_lacking_is_as_good_as_none(tmp_path: Path) -> None:
    _classes(tmp_path / "test", cat=[1, 2, 3])
    for name in ("dog", "eel"):
        (tmp_path / "test" / name).mkdir()
    assert _levels(_other(tmp_path / "test", "cat", "dog", "eel")) == [1, 2, 3]


def test_one_class_is_enough_to_measure_on(tmp_path: Path) -> None:
    _classes(tmp_path, cat=[1, 2])
    assert _other(tmp_path, "ant", "cat").labels_n.tolist() == [1, 1]


def test_a_folder_that_is_called_test_is_one(tmp_path: Path) -> None:
    _classes(tmp_path / "Test", cat=[1, 2, 3], dog=[4, 5, 6])
    assert len(_other(tmp_path / "Test", "cat", "dog")) == 6


def test_a_flat_folder_of_all_classes_is_divided_as_ever(tmp_path: Path) -> None:
    _classes(tmp_path, cat=[1, 2, 3], dog=[4, 5, 6])
    assert len(_other(tmp_path, "cat", "dog")) == 2


def test_a_divided_folder_whose_test_lacks_a_class_gets_the_labels_of_the_model(divided: Path) -> None:
    found = _other(divided, "dog", "cat", "eel")
    assert (found.names, _levels(found), found.labels_n.tolist()) == (("dog", "cat", "eel"), [5, 6], [1, 0])


def test_a_class_that_the_model_lacks_is_named_with_what_differs(tmp_path: Path) -> None:
    _classes(tmp_path, Cat=[1, 2], dog=[3, 4])
    with pytest.raises(DataError, match=r"classes that the model lacks: Cat\. 'Cat' and 'cat' differ in case alone\."):
        _other(tmp_path, "cat", "dog", "eel")


# --- sizes and colors


def test_pictures_of_any_size_and_kind_become_one_array(divided: Path) -> None:
    for number, mode in enumerate(("1", "L", "RGB", "RGBA", "P")):
        _picture(divided / "train" / "cat" / f"mode-{mode}.png", mode=mode, size=(10 + 20 * number, 64))
    found = _read(divided).images_nhwc
    assert (found.dtype, found.shape) == (np.uint8, (9, 32, 32, 3))


def test_pictures_are_brought_to_the_size_asked_for(divided: Path) -> None:
    assert _read(divided, size=(20, 24)).images_nhwc.shape == (4, 20, 24, 1)


def test_pictures_go_the_way_of_prediction(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8)
    _classes(tmp_path / "train", cat=[1], dog=[2])
    _classes(tmp_path / "test", cat=[1], dog=[2])
    path = tmp_path / "test" / "cat" / "0.png"
    Image.fromarray(noise).save(path)
    expected = to_input(read_image(path), ImageInput(32, 32, 3))
    np.testing.assert_array_equal(_read(tmp_path, "test", channels=3).images_nhwc[0], expected)


def test_gray_pictures_alone_give_one_channel(divided: Path) -> None:
    assert _read(divided).images_nhwc.shape[3] == 1


def test_one_picture_with_colors_gives_three_channels(divided: Path) -> None:
    _picture(divided / "train" / "dog" / "color.jpg", mode="RGB")
    assert _read(divided).images_nhwc.shape[3] == 3


def test_the_test_split_has_the_channels_of_the_training_split(divided: Path) -> None:
    _picture(divided / "train" / "dog" / "color.jpg", mode="RGB")
    assert _read(divided, "test").images_nhwc.shape[3] == 3


def test_colors_of_the_test_split_alone_do_not_count(divided: Path) -> None:
    _picture(divided / "test" / "dog" / "color.jpg", mode="RGB")
    assert _read(divided, "test").images_nhwc.shape[3] == 1


@pytest.mark.parametrize("channels", [1, 3])
def test_the_channels_asked_for_come_first(divided: Path, channels: int) -> None:
    _picture(divided / "train" / "dog" / "color.jpg", mode="RGB")
    assert _read(divided, channels=channels).images_nhwc.shape[3] == channels


# --- what cannot be read


def test_an_unreadable_picture_is_left_out(divided: Path) -> None:
    (divided / "train" / "cat" / "0.png").write_bytes(b"broken")
    found = _read(divided)
    assert (_levels(found), found.labels_n.tolist()) == ([1, 2, 3, 4], [0, 0, 1, 1])


def test_an_unreadable_picture_is_named_with_the_reason(divided: Path) -> None:
    path = divided / "train" / "cat" / "0.png"
    path.write_bytes(b"broken")
    assert _read(divided).skipped == (f"{path}: not a picture in a format that Pillow reads.",)


def test_without_train_and_test_an_unreadable_picture_is_named_too(tmp_path: Path) -> None:
    _classes(tmp_path, cat=[1, 2, 3], dog=[4, 5, 6])
    (tmp_path / "cat" / "0.png").write_bytes(b"broken")
    assert len(_read(tmp_path).skipped) == 1


def test_nothing_readable_is_an_error_with_the_first_reason(divided: Path) -> None:
    for path in (divided / "train").rglob("*.png"):
        path.write_bytes(b"broken")
    message = _message(divided)
    assert "no readable picture in cat, dog (4 could not be read: " in message
    assert "1.png: not a picture in a format that Pillow reads." in message


def test_empty_classes_alone_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "dog").mkdir()
    assert _message(tmp_path) == (
        f"folder:{tmp_path}: no readable picture in cat, dog (0 could not be read). "
        "Expected files such as .png or .jpg."
    )


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    expected = f"folder:{tmp_path / 'none'}: no such folder; expected one subfolder of pictures a class."
    assert _message(tmp_path / "none") == expected


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "no such folder" in _message(tmp_path / "file")


def test_pictures_without_classes_are_an_error(tmp_path: Path) -> None:
    _picture(tmp_path / "a.png")
    assert _message(tmp_path) == f"folder:{tmp_path}: no subfolders; expected one subfolder of pictures a class."


def test_one_class_is_an_error(tmp_path: Path) -> None:
    _classes(tmp_path, cat=[1, 2, 3])
    assert _message(tmp_path) == f"folder:{tmp_path}: only one class (cat); a classifier needs at least two."


def test_a_class_that_train_lacks_is_named(divided: Path) -> None:
    _classes(divided / "test", eel=[1])
    assert _message(divided, "test") == f"folder:{divided}: test has classes that train lacks: eel."


@pytest.mark.parametrize(("first", "second"), [("Train", "Test"), ("training", "testing"), ("TRAIN", "Valid")])
def test_halves_are_known_by_other_spellings(tmp_path: Path, first: str, second: str) -> None:
    for half in (first, second):
        for name in ("cat", "dog"):
            _picture(tmp_path / half / name / "a.png")
            _picture(tmp_path / half / name / "._a.png")
    assert _read(tmp_path).names == ("cat", "dog")
    assert len(_read(tmp_path, "test")) == 2


def test_a_lonely_training_folder_is_a_message(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        _picture(tmp_path / "train" / name / "a.png")
    (tmp_path / ".cache").mkdir()
    with pytest.raises(DataError, match="has train and nothing beside it"):
        _read(tmp_path)
