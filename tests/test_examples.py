"""The examples run."""

import subprocess
import sys
from pathlib import Path

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


def test_digits_of_a_picture_are_read_without_edgecnn(tmp_path: Path) -> None:
    """Three digits, and a blank page: nothing there is no error."""
    page, blank = (Image.new("RGB", (320, 240), (235, 230, 215)) for _ in range(2))
    ImageDraw.Draw(page).text((60, 90), "2 7 5", fill=(30, 40, 90), font=ImageFont.load_default(48))
    files = [str(zoo.find(name)) for name in ("digit-finder", "digits-webcam")]
    printed = []
    for name, picture in (("page.png", page), ("blank.png", blank)):
        picture.save(tmp_path / name)
        command = [sys.executable, str(EXAMPLES / "read_digits.py"), *files, str(tmp_path / name)]
        printed.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())
    found = sorted((int(line.split()[2]), line.split()[0]) for line in printed[0])  # by their left sides
    assert [label for _, label in found] == ["2", "7", "5"]
    assert printed[1] == []
