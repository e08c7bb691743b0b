"""Words and small print around the digits of a page."""

import numpy as np
from numpy.typing import NDArray

from edgecnn.digits.pages.canvas import Canvas
from edgecnn.digits.pages.glyph_sources import Material
from edgecnn.digits.pages.glyphs import text_mask, text_places
from edgecnn.digits.pages.log_uniform import log_uniform
from edgecnn.digits.pages.wording import CAPITALS, COMMON, word
from edgecnn.digits.pages.writing import UNCLEAR, any_pen, line_of, write


def words(canvas: Canvas, rng: np.random.Generator, material: Material, count: int, *, at_edge: bool = False) -> None:
    """Write words where there is room, in sizes of headlines."""
    for _ in range(count):
        pen = any_pen(rng, material, log_uniform(rng, 10, 45), by_hand=0.15)
        line = line_of(rng, material, pen, word(rng))
        if at_edge:
            base = float(rng.choice((pen.height * 1.2, canvas.height - pen.height * 0.4)))
            x = float(rng.uniform(-0.1, 0.6) * canvas.width)
            if canvas.take(x, base - pen.height * 1.2, x + line.width, base + pen.height * 0.3):
                write(canvas, rng, line, x, base)
            continue
        corner = canvas.somewhere(rng, line.width, pen.height * 1.4, gap=2)
        if corner is not None:
            write(canvas, rng, line, corner[0], corner[1] + pen.height * 1.1)


def text_block(canvas: Canvas, rng: np.random.Generator, material: Material, size: int) -> None:
    """Fill with lines of small print what is free, in one or two columns."""
    font = material.fonts[int(rng.integers(len(material.fonts)))]
    pitch, columns = size * rng.uniform(1.1, 1.6), int(rng.integers(1, 3))
    wide = canvas.width / columns
    for column in range(columns):
        left = int(column * wide + rng.uniform(2, 10))
        for top in np.arange(rng.uniform(0, 3) * size, canvas.height, pitch):
            right, low = left + wide * rng.uniform(0.8, 0.95), float(top + size * 1.1)
            taken = [box for box in canvas.taken if box[1] < low and box[3] > top and box[0] < right and box[2] > left]
            if taken:
                right = min(box[0] for box in taken) - 2
            if right - left > 2 * size and rng.random() < 0.95:
                _text_line(canvas, rng, font, size, left, int(top), int(right))


def _text_line(canvas: Canvas, rng: np.random.Generator, font: str, size: int, left: int, top: int, right: int) -> None:
    """Print a line of text, and remember some of its letters and words."""
    count = max(2, int((right - left) / size * 2))
    alphabet = COMMON if rng.random() < 0.9 else CAPITALS
    text = "".join(alphabet[int(k)] for k in rng.integers(0, len(alphabet), count)).strip() or "-"
    mask_hw = text_mask(font, size, text)
    layer = canvas.layer("print")
    area = layer[max(top, 0) : top + mask_hw.shape[0], max(left, 0) : min(right, left + mask_hw.shape[1])]
    shown = mask_hw[max(-top, 0) :, : area.shape[1]][: area.shape[0]]
    np.maximum(area, shown, out=area)
    if size < 9:
        return
    places = text_places(font, size, text) + left
    for index in rng.integers(0, len(text), 2):
        end = text.find(" ", int(index))
        stop = int(index) + 1 if rng.random() < 0.6 or end < 0 else end
        piece, x0, x1 = text[int(index) : stop], places[index], places[stop]
        if piece.strip() and piece not in UNCLEAR and x1 < right:
            _known_ink(canvas, mask_hw, (int(x0) - left, int(np.ceil(x1)) - left), (left, top))


def _known_ink(canvas: Canvas, mask_hw: NDArray[np.uint8], columns: tuple[int, int], corner: tuple[int, int]) -> None:
    """Remember the ink in some columns of a line of print."""
    rows = np.flatnonzero((mask_hw[:, columns[0] : columns[1]] > 127).any(1))
    if rows.size:
        x, y = corner
        canvas.known(
            x + columns[0], y + float(rows[0]), x + columns[1], y + float(rows[-1]) + 1, "print"
        )  # fmt: skip
