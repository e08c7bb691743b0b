"""What is on a device: displays of seven segments or print, the drums of meters, and keys.

A panel has a ground of its own, and what is lit lies on it: dark on light or light on dark, whatever is around it.
"""

from dataclasses import replace

import numpy as np

from edgecnn.digits.pages import paper
from edgecnn.digits.pages.canvas import Canvas
from edgecnn.digits.pages.glyph_sources import Material
from edgecnn.digits.pages.log_uniform import log_uniform
from edgecnn.digits.pages.text import words
from edgecnn.digits.pages.wording import NUMBERS, amount, capitals, digit, word
from edgecnn.digits.pages.writing import Line, character, display_pen, line_of, print_pen, put, write

SMALLEST = 10.0  # pixels, of a digit
ROLLED = 0.12  # of a drum's window: a digit that is farther off its middle is half gone


def display(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """Rows of a display, on a panel or not, with words beside them, and perhaps keys below."""
    height = log_uniform(rng, 12, canvas.page_height * 0.55)
    layer = "lit" if rng.random() < 0.6 else "print"
    pen = display_pen(rng, height, layer)
    if rng.random() < 0.2:
        pen = replace(print_pen(rng, material, height), layer=layer)
    base, rows = height * rng.uniform(1.2, 1.8), int(rng.integers(1, 4))
    for _ in range(rows):
        line = line_of(rng, material, pen, _shown(rng))
        x = float(rng.uniform(-0.05, max(canvas.width - line.width, 0.1 * canvas.width)))
        _window(canvas, rng, line, x, float(base))
        write(canvas, rng, line, x, float(base))
        base += height * rng.uniform(1.6, 2.6)
    caption = print_pen(rng, material, max(SMALLEST, height * rng.uniform(0.15, 0.5)))
    for _ in range(int(rng.integers(0, 5))):
        line = line_of(rng, material, caption, capitals(rng) if rng.random() < 0.7 else word(rng))
        corner = canvas.somewhere(rng, line.width, caption.height * 1.3, gap=2)
        if corner is not None:
            write(canvas, rng, line, corner[0], corner[1] + caption.height * 1.1)
    if base < canvas.height and rng.random() < 0.4:
        _rows_of_keys(canvas, rng, material, float(base), float(np.clip(height * rng.uniform(0.4, 1.0), SMALLEST, 40)))


def _shown(rng: np.random.Generator) -> str:
    """Draw what a display shows, now and then with cells that are off before it."""
    text = amount(rng) if rng.random() < 0.4 else NUMBERS[int(rng.integers(len(NUMBERS)))](rng)
    text = "".join(sign for sign in text.replace(",", ".") if sign.isdigit() or sign in ".:-")
    return " " * int(rng.choice((0, 1, 2), p=(0.7, 0.2, 0.1))) + text[: int(rng.integers(1, 10))]


def _window(canvas: Canvas, rng: np.random.Generator, line: Line, x: float, base: float) -> None:
    """Draw what a row of a display lies in: its panel, a frame, or nothing."""
    height = line.pen.height
    across, up, down = (height * rng.uniform(0.08, 0.8) for _ in range(3))
    box = np.array([[x - across, base + down], [x + line.width + across, base + down],
                    [x + line.width + across, base - height - up], [x - across, base - height - up]])  # fmt: skip
    if line.pen.layer == "lit":
        paper.filled(canvas.layer("panel"), box)
    if rng.random() < 0.5:
        paper.polyline(canvas.layer("rules"), box, height * rng.uniform(0.03, 0.12), closed=True)
    canvas.taken.append((float(box[0, 0]), float(box[2, 1]), float(box[1, 0]), float(box[0, 1])))


def meter(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """Drums behind windows, the last of them half way to the next digit."""
    height = log_uniform(rng, 14, canvas.page_height * 0.45)
    pen = replace(print_pen(rng, material, height), layer="lit", shear=0.0)
    wide, tall, gap = (height * rng.uniform(*span) for span in ((0.8, 1.3), (1.3, 1.9), (0.02, 0.5)))
    count = int(rng.integers(3, 9))
    left = rng.uniform(-0.1, max(canvas.width - count * (wide + gap), 0.1 * canvas.width))
    top = rng.uniform(0, max(canvas.height - tall, 1))
    canvas.taken.append((left - gap, top - gap, left + count * (wide + gap), top + tall + gap))
    for column in range(count):
        x = left + column * (wide + gap)
        paper.filled(
            canvas.layer("panel"), np.array([[x, top], [x, top + tall], [x + wide, top + tall], [x + wide, top]])
        )
        off = rng.normal(0, 0.03) if rng.random() < 0.75 else rng.uniform(-0.5, 0.5)
        shown = int(rng.integers(10))
        for sign, middle in ((shown, off), ((shown + 1) % 10, off + 1), ((shown - 1) % 10, off - 1)):
            if abs(middle) < 0.85:
                glyph, before = character(rng, material, pen, str(sign)), len(canvas.marks)
                put(canvas, rng, pen, glyph, str(sign), x + wide / 2, top + tall * (0.5 + middle))
                for row in range(before, len(canvas.marks)):
                    canvas.marks[row] = replace(canvas.marks[row], unclear=abs(middle) > ROLLED)
    np.minimum(canvas.layer("lit"), canvas.layer("panel"), out=canvas.layer("lit"))
    words(canvas, rng, material, int(rng.integers(0, 4)))


def keys(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """The keys of a telephone or a calculator."""
    _rows_of_keys(canvas, rng, material, float(rng.uniform(0, 0.4) * canvas.height), log_uniform(rng, 12, 60))


def _rows_of_keys(canvas: Canvas, rng: np.random.Generator, material: Material, top: float, height: float) -> None:
    """Round or square keys with a digit or a sign on each."""
    pen, pitch = print_pen(rng, material, height), height * rng.uniform(1.9, 3.0)
    rows, columns, is_round = (
        np.arange(top, canvas.height, pitch),
        np.arange(pitch / 2, canvas.width, pitch),
        rng.random() < 0.4,
    )
    for y in rows:
        for x in columns:
            sign = digit(rng) if rng.random() < 0.7 else "+-x=/CE%M"[int(rng.integers(9))]
            turn = np.linspace(0, 2 * np.pi, 17 if is_round else 5)[:-1] + (0 if is_round else np.pi / 4)
            ring = np.stack([np.cos(turn), np.sin(turn)], 1) * pitch * (0.42 if is_round else 0.58) + (x, y)
            paper.polyline(canvas.layer("rules"), ring, max(0.7, height * 0.06), closed=True)
            put(canvas, rng, pen, character(rng, material, pen, sign), sign, float(x), float(y))
    canvas.taken.append((0, top - pitch, canvas.width, canvas.height))
