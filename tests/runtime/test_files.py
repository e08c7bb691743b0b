"""Picture files: found by name, folder and pattern, each answered on its own."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn import Classifier, data
from edgecnn.runtime.files import Ranked, expand, predict_files
from edgecnn.runtime.image import SUFFIXES


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch, data_root: Path) -> Path:
    """A working directory with digits in a folder: a.png, b.png, sub/c.png; sub has notes.txt."""
    monkeypatch.chdir(tmp_path)
    images = data.read_split("digits", "test", root=data_root).images_nhwc
    for image, name in zip(images, ("a.png", "b.png", "sub/c.png"), strict=False):
        path = tmp_path / "pics" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(path)
    (tmp_path / "pics" / "sub" / "notes.txt").write_text("no picture")
    return tmp_path


def _names(*arguments: str) -> list[str]:
    return [path.as_posix() for path in expand(arguments)]


def test_files_keep_the_order_they_are_given_in(pictures: Path) -> None:
    assert _names("pics/b.png", "pics/a.png") == ["pics/b.png", "pics/a.png"]


def test_a_file_is_kept_whatever_its_suffix(pictures: Path) -> None:
    assert _names("pics/sub/notes.txt") == ["pics/sub/notes.txt"]


def test_a_folder_gives_its_pictures_to_the_bottom(pictures: Path) -> None:
    assert _names("pics") == ["pics/a.png", "pics/b.png", "pics/sub/c.png"]


@pytest.mark.parametrize("suffix", sorted(SUFFIXES | {".PNG", ".Jpeg"}))
def test_a_folder_gives_pictures_of_every_kind(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a{suffix}").touch()
    assert expand([str(tmp_path)]) == [tmp_path / f"a{suffix}"]


@pytest.mark.parametrize("name", ["a.jfif", "a.jpe", "a.avif", "a.jp2", "a.tga", "scan", "scan.bin"])
def test_a_picture_in_a_folder_gets_the_answer_that_it_gets_by_its_name(
    tmp_path: Path, classifier: Classifier, name: str
) -> None:
    path = tmp_path / "pics" / name
    path.parent.mkdir()
    Image.new("L", (28, 28), 9).save(path, None if path.suffix in SUFFIXES else "PNG")
    (by_name,), (in_folder,) = (list(predict_files(classifier, expand([str(given)]))) for given in (path, path.parent))
    assert (by_name.path, by_name.top) == (in_folder.path, in_folder.top)
    assert in_folder.error is None


@pytest.mark.parametrize("pattern", ["pics/*.png", "pics/[ab].png", "{root}/pics/*.png"])
def test_a_pattern_gives_what_matches(pictures: Path, pattern: str) -> None:
    found = expand([pattern.format(root=pictures)])
    assert [path.name for path in found] == ["a.png", "b.png"]


def test_two_stars_search_to_the_bottom(pictures: Path) -> None:
    assert _names("pics/**/*.png") == ["pics/a.png", "pics/b.png", "pics/sub/c.png"]


def test_a_folder_that_a_pattern_matches_gives_its_pictures(pictures: Path) -> None:
    assert _names("p*") == ["pics/a.png", "pics/b.png", "pics/sub/c.png"]


def test_a_name_with_brackets_that_is_there_is_no_pattern(pictures: Path) -> None:
    Path("pics/[ab].png").write_bytes(Path("pics/a.png").read_bytes())
    assert _names("pics/[ab].png") == ["pics/[ab].png"]


@pytest.mark.parametrize("again", ["pics/a.png", "./pics/a.png", "pics", "pics/*.png"])
def test_what_is_named_twice_comes_once(pictures: Path, again: str) -> None:
    assert _names("pics/a.png", again).count("pics/a.png") == 1


@pytest.mark.parametrize("name", ["missing.png", "pics/*.jpg"])
def test_a_name_that_matches_nothing_is_kept(pictures: Path, name: str) -> None:
    assert _names("pics/a.png", name) == ["pics/a.png", name]


def test_a_folder_without_pictures_is_kept(pictures: Path) -> None:
    Path("empty").mkdir()
    assert _names("empty") == ["empty"]


def test_every_picture_is_answered_as_its_frame_is(pictures: Path, classifier: Classifier, data_root: Path) -> None:
    images = data.read_split("digits", "test", root=data_root).images_nhwc[:3]
    found = list(predict_files(classifier, expand(["pics"]), top_k=10))
    expected = [classifier.predict(image).top(10) for image in images]
    assert [[(ranked.class_id, ranked.probability) for ranked in answer.top] for answer in found] == expected


def test_a_broken_picture_does_not_take_the_others_with_it(pictures: Path, classifier: Classifier) -> None:
    Path("pics/b.png").write_bytes(b"broken")
    found = list(predict_files(classifier, expand(["pics"])))
    assert [(answer.path.name, bool(answer.top)) for answer in found] == [
        ("a.png", True),
        ("b.png", False),
        ("c.png", True),
    ]


def test_a_broken_picture_says_why(pictures: Path, classifier: Classifier) -> None:
    Path("pics/b.png").write_bytes(b"broken")
    (answer,) = predict_files(classifier, [Path("pics/b.png")])
    assert answer.error == f"{Path('pics/b.png')}: not a picture in a format that Pillow reads."


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing.png", "cannot be read"), ("pics/*.jpg", "cannot be read"), ("empty", "no pictures in this folder")],
)
def test_a_name_without_a_picture_is_reported(pictures: Path, classifier: Classifier, name: str, reason: str) -> None:
    Path("empty").mkdir()
    (answer,) = predict_files(classifier, expand([name]))
    assert f"{Path(name)}: {reason}" in (answer.error or "")


def test_a_good_picture_has_no_error(pictures: Path, classifier: Classifier) -> None:
    (answer,) = predict_files(classifier, [Path("pics/a.png")])
    assert answer.error is None


def test_the_best_classes_come_in_order(pictures: Path, classifier: Classifier) -> None:
    (answer,) = predict_files(classifier, [Path("pics/a.png")], top_k=3)
    prediction = classifier.predict(np.asarray(Image.open("pics/a.png")))
    assert answer.top == [Ranked(classifier.labels[class_id], class_id, p) for class_id, p in prediction.top(3)]


def test_answers_come_as_the_files_are_asked_for(pictures: Path, classifier: Classifier) -> None:
    asked = iter([Path("pics/a.png"), Path("pics/b.png")])
    next(predict_files(classifier, asked))
    assert list(asked) == [Path("pics/b.png")]
