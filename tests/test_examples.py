"""The examples run."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

import edgecnn
from edgecnn import zoo

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def test_minimal_answers_as_the_classifier(model: Path) -> None:
    classifier = edgecnn.load(model)
    answers = classifier.predict_batch(classifier.card.golden.images_nhwc)
    command = [sys.executable, str(EXAMPLES / "minimal.py"), str(model)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.splitlines() == [f"{answer.label}  {answer.probability:.1%}" for answer in answers]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Three digits over two, and a blank page: nothing there is no error."""
    page, blank = (Image.new("RGB", (320, 240), (235, 230, 215)) for _ in range(2))
    ImageDraw.Draw(page).text((60, 50), "2 7 5\n8 1", fill=(30, 40, 90), font=ImageFont.load_default(48))
    folder = tmp_path_factory.mktemp("pictures")
    for name, picture in (("page.png", page), ("blank.png", blank)):
        picture.save(folder / name)
    return folder / "page.png", folder / "blank.png"


def printed(*arguments: object) -> list[str]:
    name, *rest = arguments
    command = [sys.executable, str(EXAMPLES / str(name)), *map(str, rest)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_digits_of_a_picture_are_read_line_by_line(pictures: tuple[Path, Path]) -> None:
    page, blank = pictures
    lines = printed("read_digits.py", page)
    assert lines[:2] == ["275", "81"]
    assert [line.split()[0] for line in lines[2:]] == list("27581")
    assert printed("read_digits.py", blank) == [""]


def test_digits_of_a_picture_are_found_without_edgecnn(pictures: tuple[Path, Path]) -> None:
    """Both programs name the same digits at the same places; the order is the detector's here."""
    page, blank = pictures
    files = [zoo.find(name) for name in ("digit-finder", "digits-webcam")]
    without = printed("read_digits_without_edgecnn.py", *files, page)
    assert sorted(without) == sorted(printed("read_digits.py", page)[2:])
    assert printed("read_digits_without_edgecnn.py", *files, blank) == []
