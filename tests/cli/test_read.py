"""Digits of picture files read as text, by the command: printed, as JSON, as CSV and drawn."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from cli.test_json import held_to_its_page
from digits.written import FONT, typed, written
from PIL import Image, ImageDraw, ImageFont

from edgecnn.digits import Digit, Reading
from edgecnn.digits.pictures import MORE, TIMES, _sure

COLUMNS, ROWS = 5, 2


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A picture of two lines of five digits, and these."""
    pixels, text = written(width=500, height=200, height_of_digit=40, columns=COLUMNS, rows=ROWS, seed=3)
    path = tmp_path_factory.mktemp("page") / "page.png"
    Image.fromarray(pixels).save(path)
    return path, text


def lines(text: str) -> list[str]:
    """The lines of a page as they are printed: gaps as wide as these are spaces."""
    return [" ".join(text[row * COLUMNS : (row + 1) * COLUMNS]) for row in range(ROWS)]


def test_prints_the_lines(edgecnn, page: tuple[Path, str]) -> None:
    result = edgecnn("read", page[0])
    assert (result.code, result.out.splitlines()) == (0, lines(page[1]))


def test_several_pictures_stand_under_their_names_and_a_broken_one_is_said(
    edgecnn, page: tuple[Path, str], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"nothing")
    result = edgecnn("read", page[0], broken, page[0].parent)
    assert (result.code, result.out.splitlines()) == (1, [f"{page[0]}:", *lines(page[1])])
    assert str(broken) in result.err


def test_a_folder_is_read_with_pictures_of_every_kind(edgecnn, page: tuple[Path, str], tmp_path: Path) -> None:
    names = ["a.avif", "b.jfif", "c.jp2", "d.tga", "e", "f.bin"]
    with Image.open(page[0]) as picture:
        for name in names:
            picture.save(tmp_path / name, {"e": "PNG", "f.bin": "JPEG"}.get(name))
    result = edgecnn("read", tmp_path)
    expected = [line for name in names for line in (f"{tmp_path / name}:", *lines(page[1]))]
    assert (result.code, result.out.splitlines(), result.err) == (0, expected, "")


def test_json_has_numbers_digits_and_boxes(edgecnn, page: tuple[Path, str]) -> None:
    told = json.loads(edgecnn("read", page[0], "--json").out)
    held_to_its_page(told, "read")
    assert told["model"] == "digits-webcam"
    (found,) = told["images"]
    assert [digit["label"] for digit in found["digits"]] == list(page[1])
    assert [(number["line"], number["text"]) for number in found["numbers"]] == [
        (1 + index // COLUMNS, label) for index, label in enumerate(page[1])
    ]
    for index, number in enumerate(found["numbers"]):
        x, y, width, height = number["box"]
        assert x < (index % COLUMNS + 0.5) * 500 / COLUMNS < x + width
        assert y < (index // COLUMNS + 0.5) * 200 / ROWS < y + height


def test_csv_has_a_line_a_number(edgecnn, page: tuple[Path, str]) -> None:
    rows = list(csv.DictReader(io.StringIO(edgecnn("read", page[0], "--csv").out)))
    assert "".join(row["number"] for row in rows) == page[1]
    assert {row["path"] for row in rows} == {str(page[0])}


def test_numbers_have_their_points_and_minus(edgecnn, tmp_path: Path) -> None:
    """In the text, in numbers of JSON and CSV, and by themselves with their boxes."""
    page = Image.new("L", (420, 160), 235)
    ImageDraw.Draw(page).text((60, 50), "4.86  -25", fill=25, font=ImageFont.truetype(FONT, 48))
    page.save(tmp_path / "page.png")
    assert edgecnn("read", tmp_path / "page.png").out == "4.86 -25\n"
    told = json.loads(edgecnn("read", tmp_path / "page.png", "--json").out)
    held_to_its_page(told, "read")
    (found,) = told["images"]
    assert [number["text"] for number in found["numbers"]] == ["4.86", "-25"]
    assert [digit["label"] for digit in found["digits"]] == list("48625")
    assert [(sign["label"], sign["before"]) for sign in found["signs"]] == [(".", 1), ("-", 3)]
    assert found["numbers"][1]["box"][0] == found["signs"][1]["box"][0] < found["digits"][3]["box"][0]
    rows = list(csv.DictReader(io.StringIO(edgecnn("read", tmp_path / "page.png", "--csv").out)))
    assert [row["number"] for row in rows] == ["4.86", "-25"]


@pytest.mark.parametrize("height", [16, 40])
@pytest.mark.parametrize("text", ["TOTAL 42", "8 0 8", "6", "1 1 1 1"])
def test_a_picture_that_lies_right_is_not_turned(edgecnn, tmp_path: Path, text: str, height: int) -> None:
    """Though upside down there may be as many digits."""
    Image.fromarray(typed([text], height_of_digit=height)).save(tmp_path / "right.png")
    auto, as_it_lies = (edgecnn("read", tmp_path / "right.png", *more) for more in (("--rotate", "auto"), ()))
    assert auto.out == as_it_lies.out
    assert "turned by" not in auto.err


@pytest.mark.parametrize(("lies", "degrees"), [(1, 90), (2, 180), (3, 270)])
def test_a_picture_that_lies_otherwise_is_turned(
    edgecnn, page: tuple[Path, str], tmp_path: Path, lies: int, degrees: int
) -> None:
    path = tmp_path / "turned.png"
    Image.fromarray(np.rot90(np.asarray(Image.open(page[0])), lies)).save(path)
    assert edgecnn("read", path).out.splitlines() != lines(page[1])  # all that there was before
    result = edgecnn("read", path, "--rotate", "auto")
    assert result.out.splitlines() == lines(page[1])
    assert f"turned by {degrees} degrees" in result.err
    assert edgecnn("read", path, "--rotate", degrees).out == result.out


@pytest.mark.parametrize(("label", "probability"), [("1", 0.99), ("7", 0.75)])
def test_letters_that_lie_otherwise_do_not_turn_a_picture(label: str, probability: float) -> None:
    """They are many ones, and digits that nothing is sure of."""
    few, many = (
        Reading("", ((Digit(name, share, (0, 0, 9, 9)),) * count,), 0, ())
        for name, share, count in (("4", 0.99, 3), (label, probability, 40))
    )
    assert _sure(few) > TIMES * _sure(many) + MORE
    assert _sure(many) <= TIMES * _sure(Reading("", (), 0, ())) + MORE


def test_a_folder_without_pictures_is_said(edgecnn, tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    result = edgecnn("read", tmp_path / "scans")
    assert (result.code, result.out) == (1, "")
    assert "scans: cannot be read (no pictures in this folder; expected files" in result.err


def test_nothing_read_is_said_with_what_may_help(edgecnn, tmp_path: Path) -> None:
    Image.new("L", (100, 100), 200).save(tmp_path / "empty.png")
    result = edgecnn("read", tmp_path / "empty.png")
    assert (result.code, result.out.strip()) == (0, "")
    assert "no digits were read" in result.err
    assert "--rotate auto" in result.err


def test_the_overlay_shows_the_picture_and_what_was_read(edgecnn, page: tuple[Path, str], tmp_path: Path) -> None:
    drawn = tmp_path / "deep" / "read.png"
    assert edgecnn("read", page[0], "--overlay", drawn).code == 0
    image, before = np.asarray(Image.open(drawn)), np.asarray(Image.open(page[0]))
    assert image.shape == (*before.shape, 3)
    assert (image == (0, 200, 0)).all(axis=2).any()
    assert 0.5 < (image == before[..., None]).all(axis=2).mean() < 1


@pytest.mark.parametrize("name", ["read.gif", "read"])
def test_an_overlay_of_another_kind_is_refused_before_anything_is_read(
    edgecnn, page: tuple[Path, str], tmp_path: Path, name: str
) -> None:
    result = edgecnn("read", page[0], "--overlay", tmp_path / name)
    assert (result.code, result.out) == (2, "")
    assert ".png or .jpg" in result.err
    assert not list(tmp_path.iterdir())


def test_an_overlay_never_replaces_the_picture_and_belongs_to_one(edgecnn, page: tuple[Path, str]) -> None:
    before = page[0].read_bytes()
    assert edgecnn("read", page[0], "--overlay", page[0]).code == 2
    assert edgecnn("read", page[0], "none.png", "--overlay", "x.png").code == 2
    assert page[0].read_bytes() == before


def test_an_unknown_rotation_is_refused(edgecnn, page: tuple[Path, str]) -> None:
    result = edgecnn("read", page[0], "--rotate", "45")
    assert result.code == 2
    assert "0, 90, 180, 270, auto" in result.err
