"""Lines of digits and signs of known text in several pens, and where their digits are."""

import dataclasses

import numpy as np
from digits.written import FONT
from numpy.typing import NDArray

from edgecnn.digits.pages.canvas import Canvas
from edgecnn.digits.pages.glyph_sources import Material
from edgecnn.digits.pages.strokes import Segments
from edgecnn.digits.pages.writing import Pen, line_of, write

Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]

PRINT = Pen("print", "print", 1, font=FONT)
BOLD = Pen("print", "print", 1, font=FONT.replace("DejaVuSans", "DejaVuSans-Bold"))
DISPLAY = Pen("segments", "print", 1, segments=Segments(thick=10), gap=0.1)
LEANING = Pen("segments", "print", 1, segments=Segments(thick=12), shear=0.15, gap=0.15)
HAND = Pen("strokes", "hand", 1, line=0.09, shear=0.1, loose=0.3, gap=0.2)
PENS = {"print": PRINT, "bold": BOLD, "display": DISPLAY, "leaning display": LEANING, "hand": HAND}
NOTHING = np.empty((0, 28, 28), np.uint8), np.empty(0, np.int64)
MATERIAL = Material(*NOTHING, *NOTHING, (FONT,))
SIGNED = ["4.86", "12:45", "86-17", "-72", ".58", "2.75.09", "63-08-24"]
DARK, LIGHT, NOISE = 40.0, 220.0, 2.0


def page(
    text: str, pen: Pen, height: float, *, ink: float = DARK, ground: float = LIGHT, seed: int = 0
) -> tuple[Pixels, list[Box]]:
    """A line of text on paper, and the boxes of its digits as they were drawn."""
    rng = np.random.default_rng(seed)
    line = line_of(rng, MATERIAL, dataclasses.replace(pen, height=height), text)
    high, wide = int(3 * height), int(line.width + 3 * height)
    canvas = Canvas(high, wide, high, wide)
    write(canvas, rng, line, 1.5 * height, 2 * height)
    boxes = []
    for sign, mark in zip(text.replace(" ", ""), canvas.texts[0].marks, strict=True):
        if sign.isdigit():
            (x, y), (right, low) = mark.hull.min(axis=0) - 0.5, mark.hull.max(axis=0) + 0.5
            boxes.append((float(x), float(y), float(right - x), float(low - y)))
    return photographed(canvas, ink, ground, rng), boxes


def photographed(canvas: Canvas, ink: float, ground: float, rng: np.random.Generator) -> Pixels:
    share = np.max(list(canvas.layers.values()), axis=0) / 255
    image = ground + (ink - ground) * share + rng.normal(0, NOISE, share.shape)
    return np.clip(image + 0.5, 0, 255).astype(np.uint8)
