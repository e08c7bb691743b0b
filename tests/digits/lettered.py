"""Words and numbers of which some characters were read as digits."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from edgecnn.digits.pages import page, writing
from edgecnn.digits.pages.canvas import Canvas, Mark
from edgecnn.digits.pages.glyph_sources import Material

FONT = str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
NONE = np.zeros((0, 28, 28), np.uint8)
MATERIAL = Material(NONE, np.zeros(0, np.int64), NONE, np.zeros(0, np.int64), (FONT,))
ALIKE = {"O": "0", "o": "0", "I": "1", "l": "1", "S": "5", "Z": "2", "B": "8"}
# A text, what was read of it, and which of that are letters.
WORDS = [
    ("TOTAL", " x   ", " x   "),
    ("GALLONS", "    x  ", "    x  "),
    ("SUDOKU", "x  x  ", "   x  "),  # a 5 before five letters may be a number with its unit
    ("Oil", "x  ", "   "),
    ("OKTET", "x    ", "x    "),
    ("OREGON", "x   x ", "x   x "),
    ("MOTOR", " x x ", " x x "),
    ("X10Y", " xx ", "    "),
    ("ONLY 12", "x    xx", "x      "),
    ("real", "   x", "   x"),
    ("4.86", "x xx", "    "),
    ("5kg", "x  ", "   "),
    ("12 mm", "xx   ", "     "),
    ("A4", " x", "  "),
    ("AB7CD", "  x  ", "  x  "),
    ("AB7", "  x", "   "),  # not only letters are like other digits
    ("A7B358C", " x xxx ", "       "),
    ("3x40=120", "x xx xxx", "        "),
    ("10:30 AM", "xx xx   ", "        "),
    ("31415", "xxxxx", "     "),
    ("31415", "x x x", "     "),  # what was missed is no word
    ("7", "x", " "),
]


def lettered(
    text: str, read: str, *, height: float = 30.0, dark: bool = True, slope: float = 0.0, border: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.float32], list[str]]:
    """Write a text; return it with the boxes and labels of those characters that ``read``, a mask of x and spaces, says
    were read as digits."""
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
    return gray.astype(np.uint8), boxes_n4, [ALIKE.get(text[place], text[place]) for place in chosen]
