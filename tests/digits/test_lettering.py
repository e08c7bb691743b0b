"""Which digits are letters of words: by what stands beside them, in every size, polarity and slope."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from edgecnn.digits.lettering import in_words
from edgecnn.digits.order import reading_order
from edgecnn.digits.pages import page, writing
from edgecnn.digits.pages.canvas import Canvas, Mark
from edgecnn.digits.pages.glyph_sources import Material

FONT = str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
NONE = np.zeros((0, 28, 28), np.uint8)
MATERIAL = Material(NONE, np.zeros(0, np.int64), NONE, np.zeros(0, np.int64), (FONT,))
ALIKE = {"O": "0", "o": "0", "I": "1", "l": "1", "S": "5", "Z": "2", "B": "8"}


def _letters(
    text: str, read: str, *, height: float = 30.0, dark: bool = True, slope: float = 0.0, border: bool = False
) -> str:
    """Write a text, say which characters of it were read as digits (a mask of x and spaces), and return those that
    are called letters, as a mask."""
    rng = np.random.default_rng(0)
    canvas = Canvas(round(height * 6), round(height * (len(text) + 8)), 1, 1)
    pen = writing.Pen("print", "print", height, font=FONT)
    marks, x = list[Mark | None](), height * 4
    for sign in text:
        line = writing.line_of(rng, MATERIAL, pen, sign)
        before = len(canvas.marks)
        writing.write(canvas, rng, line, x, height * 3 + (x - height * 4) * slope)
        marks.append(canvas.marks[before] if len(canvas.marks) > before else None)
        x += line.width
    boxes = page._boxes([mark for mark in marks if mark is not None], np.eye(3))
    places = np.cumsum([mark is not None for mark in marks]) - 1
    chosen = [place for place, sign in enumerate(read) if sign == "x"]
    boxes_n4 = boxes[places[chosen]]
    layer = canvas.layer("print").copy()
    if border:
        for box in boxes_n4:
            layer[:, round(float(box[0] - 0.25 * height))] = 255
    gray = 230 - layer.astype(np.float32) * 0.8 if dark else 20 + layer.astype(np.float32) * 0.8
    labels = [ALIKE.get(text[place], text[place]) for place in chosen]
    found = in_words(gray.astype(np.uint8), boxes_n4, labels, reading_order(boxes_n4))
    mask = [" "] * len(text)
    for place, is_letter in zip(chosen, found, strict=True):
        mask[place] = "x" if is_letter else " "
    return "".join(mask)


WORDS = [
    ("TOTAL", " x   ", " x   "),
    ("GALLONS", "    x  ", "    x  "),
    ("SUDOKU", "x  x  ", "   x  "),  # a 5 before five letters may be a number with its unit
    ("Oil", "x  ", "   "),
    ("OKTET", "x    ", "x    "),
    ("ONLY 12", "x    xx", "x      "),
    ("real", "   x", "   x"),
    ("4.86", "x xx", "    "),
    ("5kg", "x  ", "   "),
    ("12 mm", "xx   ", "     "),
    ("A4", " x", "  "),
    ("3x40=120", "x xx xxx", "        "),
    ("10:30 AM", "xx xx   ", "        "),
    ("31415", "xxxxx", "     "),
    ("31415", "x x x", "     "),  # what was missed is no word
    ("7", "x", " "),
]


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("height", [14.0, 30.0, 90.0])
@pytest.mark.parametrize(("text", "read", "letters"), WORDS)
def test_letters_that_look_like_digits_are_told_by_their_neighbors(
    text: str, read: str, letters: str, height: float, dark: bool
) -> None:
    assert _letters(text, read, height=height, dark=dark) == letters


@pytest.mark.parametrize("slope", [-0.1, 0.0, 0.1])
def test_a_line_may_lean_where_digits_tell_its_slope(slope: float) -> None:
    assert _letters("TOTALSUM 48 60", " x       xx xx", slope=slope) == " x            "


def test_borders_between_cells_are_no_letters() -> None:
    assert _letters("8 3 5", "x x x", border=True) == "     "


def test_nothing_is_beyond_the_frame() -> None:
    gray = np.full((30, 20), 200, np.uint8)
    gray[5:25, 8:12] = 20
    gray[:, 0] = gray[:, -1] = 20
    assert not in_words(gray, np.float32([[8, 5, 4, 20]]), ["1"], [[0]]).any()


def test_a_frame_without_digits_has_no_words() -> None:
    assert in_words(np.zeros((9, 9), np.uint8), np.zeros((0, 4), np.float32), [], []).shape == (0,)
