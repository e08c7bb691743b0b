"""edgecnn explain as a user meets it."""

import json
from pathlib import Path

import pytest
from PIL import Image

from edgecnn import data


@pytest.fixture
def picture(tmp_path: Path, data_root: Path) -> Path:
    path = tmp_path / "digit.png"
    Image.fromarray(data.read_split("digits", "test", root=data_root).images_nhwc[7, ..., 0]).save(path)
    return path


def test_it_says_the_answer_and_draws_it(edgecnn, model: Path, picture: Path, data_root: Path, monkeypatch) -> None:
    monkeypatch.chdir(picture.parent)
    told = edgecnn("explain", model, picture, "--data-root", data_root).out.splitlines()
    assert told[0].split() == ["label", "probability"]
    assert any(line.startswith("a patch of 5x5 pixels that covers the image takes") for line in told)
    assert any(line.startswith("nearest of 700 training images: ") for line in told)
    assert told[-1] == "explain.png: drawn"
    with Image.open("explain.png") as drawn:
        assert drawn.width > 1000


def test_json_has_the_numbers(edgecnn, model: Path, picture: Path, data_root: Path) -> None:
    output = picture.with_suffix(".html")
    told = json.loads(edgecnn("explain", model, picture, "-o", output, "--data-root", data_root, "--json").out)
    assert (len(told["ranked"]), len(told["evidence"]), len(told["evidence"][0])) == (10, 28, 28)
    assert told["picture"] == str(output)
    assert output.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("model", "image", "output", "said"),
    [
        ("mnist-c1", "nothing.png", "it.png", "nothing.png: cannot be read (No such file or directory)."),
        ("mnist-c1", "digit.png", "it.gif", "it.gif: an explanation is a .png or a .html file, as in -o it.html"),
        ("digit-finder", "digit.png", "it.png", "digit-finder: is for detection; a classifier was expected."),
        ("mnist-c2", "digit.png", "it.png", "no file and no model of the zoo named 'mnist-c2'"),
        ("digit.png", "digit.png", "it.png", "digit.png: not a model file"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(
    edgecnn, picture, monkeypatch, model, image, output, said
) -> None:
    monkeypatch.chdir(picture.parent)
    result = edgecnn("explain", model, image, "-o", output)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"error: {said}")
    assert [path.name for path in picture.parent.iterdir()] == ["digit.png"]
