"""What is found in a data set before it is trained on: planted doubles, leaks, sizes, modes, and its pictures."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn.data.inspected import alike as search
from edgecnn.data.inspected import sheets
from edgecnn.data.inspected.doubles import Doubled
from edgecnn.data.inspected.headers import Sizes
from edgecnn.data.inspected.look import Look, look
from edgecnn.data.split import Split
from edgecnn.errors import DataError

RANDOM = np.random.default_rng(0)


def _photo(side: int = 96) -> Image.Image:
    """Draw smooth spots, as far from each other as photographs are."""
    return Image.fromarray(RANDOM.integers(0, 256, (7, 7, 3), dtype=np.uint8)).resize((side, side), 3)


def _photos(home: Path, count: int, *names: str) -> None:
    for name in names:
        (home / name).mkdir(parents=True)
        for number in range(count):
            _photo().save(home / name / f"{number:02}.png")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """train: 12 each of ant and bee; test: 4 each."""
    _photos(tmp_path / "train", 12, "ant", "bee")
    _photos(tmp_path / "test", 4, "ant", "bee")
    return tmp_path


def _found(home: Path, output: Path | None = None) -> Look:
    return look(f"folder:{home}", output)


def _of(found: Look, split: str, other: str) -> tuple[int, int]:
    one = next(one for one in found.doubles.counts if (one.split, one.other) == (split, other))
    return one.exact, one.near


def test_a_clean_folder_passes(home: Path) -> None:
    found = _found(home)
    assert (found.passed, found.leaked, found.doubles.near, found.imbalance) == (True, 0, (), 1.0)
    assert found.doubles.counts == (
        Doubled("test", "train", 0, 0),
        Doubled("train", "train", 0, 0),
        Doubled("test", "test", 0, 0),
    )


def test_a_copy_is_a_leak(home: Path) -> None:
    shutil.copy(home / "train" / "ant" / "03.png", home / "test" / "ant" / "x.png")
    found = _found(home)
    assert (found.passed, found.leaked, _of(found, "test", "train")) == (False, 1, (1, 0))


@pytest.mark.parametrize(
    "change",
    [
        lambda picture, path: picture.save(path.with_suffix(".jpg"), quality=40),
        lambda picture, path: picture.resize((83, 83)).save(path),
        lambda picture, path: picture.crop((1, 1, 95, 95)).save(path),
        lambda picture, path: picture.point(lambda level: level * 0.7 + 30).save(path),
    ],
    ids=["compressed anew", "scaled", "a pixel cut off", "other light"],
)
def test_a_changed_copy_is_a_leak(home: Path, change) -> None:
    change(Image.open(home / "train" / "bee" / "05.png"), home / "test" / "bee" / "x.png")
    found = _found(home)
    assert (found.leaked, _of(found, "test", "train")) == (1, (0, 1))
    pair = found.doubles.near[0]
    assert (pair.splits, pair.labels) == (("train", "test"), ("bee", "bee"))
    assert pair.images[0] == str(home / "train" / "bee" / "05.png")


def test_a_mirror_image_is_not_found(home: Path) -> None:
    Image.open(home / "train" / "bee" / "05.png").transpose(0).save(home / "test" / "bee" / "x.png")
    assert _found(home).passed


def test_a_changed_copy_of_a_copy_counts_in_each_split_that_has_one(home: Path) -> None:
    _photos(home / "val", 2, "ant", "bee")
    picture = Image.open(home / "train" / "ant" / "00.png")
    for split in ("val", "test"):
        picture.save(home / split / "ant" / "x.jpg", quality=60)
    found = _found(home)
    assert found.leaked == 2
    assert [_of(found, *both) for both in (("test", "train"), ("validation", "train"), ("test", "validation"))] == [
        (0, 1),
        (0, 1),
        (1, 0),
    ]


def test_a_changed_copy_with_another_label_is_named_first(home: Path) -> None:
    for number, name in ((0, "ant"), (1, "bee")):
        Image.open(home / "train" / "ant" / f"{number:02}.png").save(home / "train" / name / "x.jpg", quality=60)
    found = _found(home).doubles
    assert (found.near_pairs, found.near_conflicting, found.near[0].labels) == (2, 1, ("ant", "bee"))


def test_pictures_of_one_color_are_no_doubles_but_for_their_bytes(home: Path) -> None:
    for level in (10, 12, 12):
        path = home / "train" / "ant" / f"flat-{len(list((home / 'train' / 'ant').iterdir()))}.png"
        Image.new("RGB", (32, 32), (level, level, level)).save(path)
    assert _of(_found(home), "train", "train") == (1, 0)


def test_handwritten_ones_that_are_much_alike_are_no_leak(data_root: Path) -> None:
    found = look("digits", root=data_root)
    assert found.passed
    assert _of(found, "train", "train") == (0, 2)
    assert {label for pair in found.doubles.near for label in pair.labels} == {"1"}


def test_the_grid_misses_no_pair(data_root: Path) -> None:
    """Against all pairs, where a few hundred are near."""
    from edgecnn import data

    images = data.read_split("digits", "train", root=data_root).images_nhwc
    vectors, _ = search._thumbnails(images)
    expected = np.argwhere(np.triu(vectors @ vectors.T, 1) >= 0.98)
    found = np.concatenate(list(search._candidates(vectors, 0.98)))
    assert len(np.unique(np.sort(found, axis=1), axis=0)) == len(found)
    assert len(expected) > 200
    assert {*map(tuple, expected.tolist())} <= {*map(tuple, np.sort(found, axis=1).tolist())}


def test_too_many_pairs_end_the_search_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_PAIRS", 10)
    photo = np.asarray(_photo(32))
    images = np.stack([photo + np.uint8(number) // 8 for number in range(64)])
    images[:, 0, 0, 0] = np.arange(64)
    assert not search.alike(images, np.zeros(64, np.int64)).complete


def test_sizes_modes_broken_files_and_imbalance_are_told(home: Path) -> None:
    (home / "train" / "ant" / "broken.png").write_bytes(b"broken")
    for number in range(18):
        _photo(40).convert("L").save(home / "train" / "bee" / f"gray-{number}.png")
    _photo(200).convert("P").save(home / "test" / "bee" / "palette.png")
    found = _found(home)
    assert found.sizes == Sizes(3, (40, 40), (200, 200), (96, 96), 32)
    assert found.modes == {"RGB": 32, "gray": 18, "palette": 1}
    assert (found.imbalance, len(found.survey.unreadable)) == (2.5, 1)


def test_a_npz_is_compared_at_its_own_size(tmp_path: Path) -> None:
    images = np.stack([np.asarray(_photo(24).convert("L")) for _ in range(40)])
    arrays = {"train_images": images[:32], "test_images": images[31:], "train_labels": np.arange(32) % 2}
    np.savez(tmp_path / "a.npz", **arrays, test_labels=np.arange(31, 40) % 2)
    found = look(str(tmp_path / "a.npz"))
    assert (found.compared_at, found.leaked) == ((24, 24), 1)
    assert found.modes == {"gray": 41}


def test_sheets_are_drawn_and_one_of_doubles_that_is_out_of_date_goes(home: Path, tmp_path: Path) -> None:
    shutil.copy(home / "train" / "ant" / "03.png", home / "copy.png")
    Image.open(home / "copy.png").save(home / "test" / "ant" / "x.jpg", quality=60)
    output = tmp_path / "new" / "looked"
    assert _found(home, output).files == (output / "classes.png", output / "doubles.png")
    (home / "test" / "ant" / "x.jpg").unlink()
    assert _found(home, output).files == (output / "classes.png",)
    assert [path.name for path in output.iterdir()] == ["classes.png"]


def test_equal_pictures_are_drawn_as_well_leaks_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(home / "train" / "bee" / "00.png", home / "train" / "bee" / "copy.png")
    shutil.copy(home / "train" / "bee" / "01.png", home / "train" / "ant" / "other.png")
    shutil.copy(home / "train" / "ant" / "03.png", home / "test" / "ant" / "copy.png")
    drawn = []
    monkeypatch.setattr(sheets, "pairs", lambda path, images_nhwc, found, said: drawn.extend(said))
    _found(home, home / "looked")
    assert drawn == ["train ant / test ant", "train ant / train bee", "train bee / train bee"]


def test_a_sheet_of_a_hundred_classes_has_all_of_them(tmp_path: Path) -> None:
    images = np.stack([np.full((8, 8, 3), (label, 0, 200), np.uint8) for label in range(100)])
    sheets.classes(tmp_path / "a.png", Split(images, np.arange(100), tuple(f"class {n}" for n in range(100))))
    with Image.open(tmp_path / "a.png") as sheet:
        colors = {color for _, color in sheet.getcolors(1 << 20) or ()}
        assert {(label, 0, 200) for label in range(100)} <= colors
        assert max(sheet.size) < 2500


def test_a_file_in_the_place_of_the_folder_is_a_message(home: Path) -> None:
    with pytest.raises(DataError, match="is a file; the pictures are written into a folder"):
        _found(home, home / "train" / "ant" / "00.png")


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "leaked", "exact", "pairs"), [("mnist", 0, 0, 0), ("cifar10", 47, 0, 162), ("cifar100", 68, 10, None)]
)
def test_what_the_real_sets_have(real_data_root: Path, name: str, leaked: int, exact: int, pairs: int | None) -> None:
    found = look(name, root=real_data_root)
    assert (found.leaked, _of(found, "test", "train")[0]) == (leaked, exact)
    assert pairs in (None, found.doubles.near_pairs)
