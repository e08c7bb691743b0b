"""What a data set of one's own has: counted by class and split, what was left out, and what is there twice."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn.data.survey import ClassCount, Shared, Survey
from edgecnn.errors import DataError, RecipeError
from edgecnn.recipes.read import read
from edgecnn.tasks._classification.examples import prepared as prepare
from edgecnn.train.examples import Prepared
from edgecnn.verify.compare import read_for

RANDOM = np.random.default_rng(0)


def _picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RANDOM.integers(0, 256, (32, 32), dtype=np.uint8)).save(path)
    return path


def _pictures(home: Path, count: int, *names: str) -> None:
    for name in names:
        for number in range(count):
            _picture(home / name / f"{number:03}.png")


def _prepared(home: Path, **changes: object) -> Prepared:
    changes = {"data__validation": 0.2} | changes
    wanted = {key.replace("__", "."): value for key, value in changes.items()}
    return prepare(read("digits-compact", {"data.name": f"folder:{home}", **wanted}), None)


def _survey(home: Path, **changes: object) -> Survey:
    found = _prepared(home, **changes).survey
    assert found is not None
    return found


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """train: 10 each of ant and bee; val: 3 each; test: 2 each."""
    for split, count in (("train", 10), ("val", 3), ("test", 2)):
        _pictures(tmp_path / split, count, "ant", "bee")
    return tmp_path


# --- counts and sources


def test_a_folder_with_three_splits_is_counted_as_it_is(three: Path) -> None:
    found = _survey(three)
    assert found.classes == (ClassCount("ant", 10, 3, 2), ClassCount("bee", 10, 3, 2))
    assert vars(found.sources) == {"train": "train/", "validation": "val/", "test": "test/"}
    assert (found.repeated, found.shared, found.conflicting, found.unreadable) == (0, (), 0, ())


def test_without_val_the_share_that_is_held_out_is_counted_and_said(three: Path) -> None:
    shutil.rmtree(three / "val")
    found = _survey(three)
    assert found.classes == (ClassCount("ant", 8, 2, 2), ClassCount("bee", 8, 2, 2))
    assert found.sources.validation == "20% of the training images, held out"


def test_a_flat_folder_is_divided_three_ways(tmp_path: Path) -> None:
    _pictures(tmp_path, 25, "ant", "bee")
    found = _survey(tmp_path)
    assert found.classes == (ClassCount("ant", 16, 4, 5), ClassCount("bee", 16, 4, 5))
    assert vars(found.sources) == {
        "train": "all folders",
        "validation": "20% of the training images, held out",
        "test": "a fifth, held out",
    }


def test_grouped_classes_are_counted_as_groups(three: Path) -> None:
    for split, count in (("train", 4), ("val", 2), ("test", 1)):
        _pictures(three / split, count, "cat")
    found = _survey(three, data__groups={"insects": ["ant", "bee"], "others": ["cat"]})
    assert found.classes == (ClassCount("insects", 20, 6, 4), ClassCount("others", 4, 2, 1))


def test_a_npz_is_looked_at_alike(tmp_path: Path) -> None:
    images, labels = RANDOM.integers(0, 256, (60, 8, 8)).astype(np.uint8), np.arange(60) % 3
    parts = {"train": slice(0, 30), "val": slice(30, 45), "test": slice(44, 60)}
    arrays = {f"{name}_images": images[part] for name, part in parts.items()}
    arrays |= {f"{name}_labels": labels[part] for name, part in parts.items()}
    np.savez(tmp_path / "mine.npz", extra_images=images, **arrays)
    found = prepare(read("digits-compact", {"data.name": str(tmp_path / "mine.npz")}), None).survey
    assert found is not None
    assert [vars(one) for one in found.classes] == [
        {"label": "0", "train": 10, "validation": 5, "test": 5},
        {"label": "1", "train": 10, "validation": 5, "test": 5},
        {"label": "2", "train": 10, "validation": 5, "test": 6},
    ]
    assert found.shared == (Shared("test", "validation", 1, ("image 0 of test", "image 14 of validation")),)
    assert found.left.unread == ("extra_images",)


def test_a_named_data_set_is_not_looked_at(data_root: Path) -> None:
    assert prepare(read("digits-compact"), data_root).survey is None


# --- the validation split of its own


def test_the_own_validation_split_is_what_is_chosen_by_and_read_again(three: Path) -> None:
    prepared = _prepared(three, data__subset=10)
    record = prepared.record
    assert (record.train, record.validation, record.own_validation) == (10, 6, True)
    for split, expected in (("train", prepared.train), ("validation", prepared.validation)):
        again = read_for(record, (32, 32, 1), split)
        np.testing.assert_array_equal(again.images_nhwc, expected.images_nhwc)
        np.testing.assert_array_equal(again.labels_n, expected.targets)


def test_an_own_validation_split_that_is_gone_is_a_message(three: Path) -> None:
    record = _prepared(three).record
    shutil.rmtree(three / "val")
    with pytest.raises(DataError, match="has no validation split of its own"):
        read_for(record, (32, 32, 1), "validation")


# --- what was left out


def test_what_was_left_out_is_named(three: Path) -> None:
    hidden = _picture(three / "train" / "ant" / ".thumbs" / "x.png").parent
    broken = three / "test" / "bee" / "broken.png"
    broken.write_bytes(b"broken")
    for name in ("a.heic", "b.HEIC", "notes.txt", "README"):
        (three / "val" / "ant" / name).write_bytes(b"x")
    _picture(three / "extra" / "x.png")
    _picture(three / "train" / "loose.png")
    _picture(three / "train" / ".thumbs" / "x.png")
    found = _survey(three)
    assert found.left.hidden == ("train/.thumbs", str(hidden.relative_to(three)))
    assert found.left.passed_over == {".heic": 2, ".txt": 1, "README": 1}
    assert found.left.unread == ("extra/", "train/loose.png")
    assert [text.partition(":")[0] for text in found.unreadable] == [str(broken)]


# --- what is there twice


def test_a_test_split_that_is_a_copy_of_the_training_split_is_noticed(three: Path) -> None:
    shutil.rmtree(three / "test")
    shutil.copytree(three / "train", three / "test")
    found = _survey(three).shared
    example = (str(three / "test" / "ant" / "000.png"), str(three / "train" / "ant" / "000.png"))
    assert found == (Shared("test", "train", 20, example),)


def test_doubles_are_found_by_their_pixels_whatever_the_file(three: Path) -> None:
    picture = Image.open(three / "train" / "ant" / "000.png")
    picture.save(three / "val" / "ant" / "again.bmp")
    picture.save(three / "train" / "ant" / "again.webp", lossless=True)
    found = _survey(three)
    assert found.repeated == 1
    assert [(one.split, one.other, one.images) for one in found.shared] == [("validation", "train", 1)]


def test_a_picture_with_two_labels_is_noticed(three: Path) -> None:
    shutil.copy(three / "train" / "ant" / "000.png", three / "train" / "bee" / "x.png")
    shutil.copy(three / "train" / "bee" / "001.png", three / "test" / "ant" / "y.png")
    found = _survey(three)
    assert found.conflicting == 2
    assert [one.labels for one in found.conflicts] == [("ant", "bee"), ("bee", "ant")]


# --- what leaves a class or a split empty


def test_a_count_that_leaves_hardly_anything_to_learn_from_is_a_message_whose_remedy_works(tmp_path: Path) -> None:
    _pictures(tmp_path, 128, "ant", "bee")
    with pytest.raises(
        RecipeError, match=r"data\.validation is 200, which holds out 200 of 205 images .*data\.validation=41\."
    ):
        _prepared(tmp_path, data__validation=200)
    assert len(_prepared(tmp_path, data__validation=41).train) == 164


def test_a_class_of_one_picture_that_validation_takes_is_named_with_the_remedy(tmp_path: Path) -> None:
    _pictures(tmp_path / "train", 1, "ant", "bee", "cat")
    _pictures(tmp_path / "test", 1, "ant", "bee", "cat")
    with pytest.raises(
        DataError, match=r"holding out 1 of 3 images for validation leaves none of (ant|bee|cat) to learn from; .*Add"
    ):
        _prepared(tmp_path, data__validation=0.34)


def test_a_small_share_that_is_no_image_says_which_number_is_one(tmp_path: Path) -> None:
    _pictures(tmp_path / "train", 2, "ant", "bee")
    _pictures(tmp_path / "test", 1, "ant", "bee")
    with pytest.raises(RecipeError, match=r"holds out 0 of 4 images .*data\.validation=2\."):
        _prepared(tmp_path, data__validation=0.1)
    assert len(_prepared(tmp_path, data__validation=2).train) == 2


def test_a_subset_that_has_no_image_of_a_class_is_a_message(three: Path) -> None:
    _pictures(three / "train", 1, "cat")
    with pytest.raises(DataError, match=r"no image of .* to learn from; every class needs images of its own"):
        _prepared(three, data__subset=2)


def test_what_reading_assumed_is_counted_once_a_picture(tmp_path: Path) -> None:
    _pictures(tmp_path, 10, "ant", "bee")
    for number, most in enumerate((4095, 4000, 1023)):
        deep = np.full((32, 32), most, np.uint16)
        Image.fromarray(deep).save(tmp_path / "ant" / f"deep-{number}.png")
    assert _survey(tmp_path).assumed == {"values taken for 12 bits": 2, "values taken for 10 bits": 1}
