"""What is on a page: single digits, numbers, grids, forms, lists, receipts, text, and pages without any digit.

What is on a device is drawn in ``devices.py``.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgecnn.digits.pages import paper
from edgecnn.digits.pages.canvas import Canvas
from edgecnn.digits.pages.devices import SMALLEST, display, keys, meter
from edgecnn.digits.pages.glyph_sources import Material
from edgecnn.digits.pages.log_uniform import log_uniform
from edgecnn.digits.pages.opencv import cv2
from edgecnn.digits.pages.shapes import clutter
from edgecnn.digits.pages.strokes import SIGNS
from edgecnn.digits.pages.text import text_block, words
from edgecnn.digits.pages.wording import NUMBERS, amount, capitals, digit, word
from edgecnn.digits.pages.writing import (
    LETTERS,
    Pen,
    any_pen,
    character,
    display_pen,
    hand_pen,
    line_of,
    print_pen,
    put,
    write,
)

Scene = Callable[[Canvas, np.random.Generator, Material], None]

LARGEST = 60.0  # digits of a page with many, pixels high; SMALLEST are the least


def compose(canvas: Canvas, rng: np.random.Generator, material: Material, kind: str | None = None) -> str:
    """Fill a canvas with one of the scenes, and return its name."""
    shares = np.array([share for _, share in SCENES.values()])
    kind = kind or list(SCENES)[int(rng.choice(len(shares), p=shares / shares.sum()))]
    SCENES[kind][0](canvas, rng, material)
    return kind


def _small_height(rng: np.random.Generator, canvas: Canvas) -> float:
    return log_uniform(rng, SMALLEST, min(LARGEST, canvas.page_height * 0.4))


# --- what is printed beneath


def _ruling(canvas: Canvas, rng: np.random.Generator, height: float, chance: float) -> None:
    """Rule the paper for digits of a height: squares or lines, or nothing."""
    if rng.random() > chance:
        return
    draw = paper.squares if rng.random() < 0.7 else paper.ruled
    draw(
        rng, canvas.layer("rules"), max(6.0, height * rng.uniform(0.4, 2.0)), max(0.6, height * rng.uniform(0.01, 0.05))
    )


# --- scenes


def _single(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """One digit as large as the page allows, now and then two, on squared paper as often as not."""
    height = canvas.page_height * rng.uniform(0.25, 0.8)
    _ruling(canvas, rng, height, 0.6)
    if rng.random() < 0.2:
        words(canvas, rng, material, 1, at_edge=True)
    for _ in range(1 if rng.random() < 0.8 else 2):
        pen = any_pen(rng, material, float(height), by_hand=0.75)
        sign = digit(rng)
        glyph = character(rng, material, pen, sign)
        wide = glyph.width / glyph.unit * pen.height
        middle_x = canvas.width / 2 + canvas.page_width * rng.normal(0, 0.16)
        middle_y = canvas.height / 2 + canvas.page_height * rng.normal(0, 0.1)
        if canvas.take(middle_x - wide * 0.6, middle_y - height * 0.6, middle_x + wide * 0.6, middle_y + height * 0.6):
            put(canvas, rng, pen, glyph, sign, middle_x, middle_y)
    if rng.random() < 0.3:
        clutter(canvas, rng, int(rng.integers(1, 4)))


def _scattered(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """Digits, letters, words and shapes of many sizes anywhere."""
    base = _small_height(rng, canvas)
    _ruling(canvas, rng, base, 0.35)
    clutter(canvas, rng, int(rng.integers(0, 4)))
    count = int(np.clip(canvas.width * canvas.height / (base * base * rng.uniform(4, 14)), 2, 60))
    for _ in range(count):
        height = float(np.clip(base * np.exp(rng.normal(0, 0.3)), SMALLEST * 0.8, canvas.page_height * 0.6))
        kind = rng.random()
        pen = any_pen(rng, material, height, by_hand=0.55)
        if kind < 0.55:
            text = digit(rng)
        elif kind < 0.65:
            text = str(rng.integers(10, 1000))
        elif kind < 0.8:
            text = LETTERS[int(rng.integers(26))]
            text = text.lower() if pen.layer == "print" and rng.random() < 0.5 else text
        elif kind < 0.9:
            text = "".join(rng.choice(list(SIGNS), 1))
        else:
            text = word(rng)
        _somewhere(canvas, rng, material, pen, text)


def _somewhere(canvas: Canvas, rng: np.random.Generator, material: Material, pen: Pen, text: str) -> None:
    """Write a text where there is room."""
    line = line_of(rng, material, pen, text)
    corner = canvas.somewhere(rng, line.width, pen.height * 1.15, gap=pen.height * 0.12)
    if corner is not None:
        write(canvas, rng, line, corner[0], corner[1] + pen.height * 1.05)


def _numbers(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """Lines of numbers, in one hand or font: telephone numbers, dates, prices, sums."""
    height = _small_height(rng, canvas)
    pen = any_pen(rng, material, height, by_hand=0.6)
    pitch = height * rng.uniform(1.25, 2.4)
    if rng.random() < 0.45:
        _ruling(canvas, rng, pitch, 1.0)
    make = NUMBERS[int(rng.integers(len(NUMBERS)))]
    left = rng.uniform(-0.2, 0.4) * canvas.width
    for base in np.arange(rng.uniform(0.2, 1.0) * pitch, canvas.height + height, pitch):
        if rng.random() < 0.3:
            make = NUMBERS[int(rng.integers(len(NUMBERS)))]
        x = float(left if rng.random() < 0.7 else rng.uniform(-0.1, 0.5) * canvas.width)
        while x < canvas.width:
            text = word(rng) if rng.random() < 0.2 else make(rng)
            line = line_of(rng, material, pen, text)
            if canvas.take(x - 1, base - height, x + line.width + 1, base):
                write(canvas, rng, line, x, float(base))
            x += line.width + height * rng.uniform(0.8, 4.0)
            if rng.random() < 0.3:
                break


def _sudoku(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """A grid of nine by nine, printed and perhaps filled in by hand; now and then a crossword."""
    cell = log_uniform(rng, 18, canvas.page_height * 0.4)
    left, top = (
        rng.uniform(min(side - 9 * cell, 0) - cell, max(side - 9 * cell, 0) + cell)
        for side in (canvas.width, canvas.height)
    )
    share = rng.uniform(0.42, 0.75)
    given = print_pen(rng, material, cell * share)
    filled = hand_pen(rng, cell * rng.uniform(0.45, 0.9))
    _grid(canvas, rng, float(left), float(top), cell)
    canvas.taken.append((left - cell / 4, top - cell / 4, left + 9.25 * cell, top + 9.25 * cell))
    is_given, is_filled = rng.uniform(0.2, 0.6), float(rng.choice((0.0, 1.0, rng.random()), p=(0.45, 0.35, 0.2)))
    letters = rng.random() < 0.12
    for row in range(9):
        for column in range(9):
            x, y = left + (column + 0.5) * cell, top + (row + 0.5) * cell
            if not (-cell < x < canvas.width + cell and -cell < y < canvas.height + cell):
                continue
            if rng.random() < is_given:
                pen, stray = given, 0.02
            elif rng.random() < is_filled:
                pen, stray = filled, 0.09
            else:
                continue
            sign = LETTERS[int(rng.integers(26))] if letters else str(rng.integers(1, 10))
            dx, dy = rng.normal(0, stray, 2) * cell
            put(canvas, rng, pen, character(rng, material, pen, sign), sign, float(x + dx), float(y + dy))
    if rng.random() < 0.6:
        text_block(canvas, rng, material, max(6, int(cell * rng.uniform(0.25, 0.5))))
    if rng.random() < 0.3:
        words(canvas, rng, material, 2)


def _grid(canvas: Canvas, rng: np.random.Generator, left: float, top: float, cell: float) -> None:
    """Draw nine by nine cells, thicker around blocks of three."""
    rules = canvas.layer("rules")
    thin = max(0.5, cell * rng.uniform(0.01, 0.06))
    thick = max(thin, cell * rng.uniform(0.03, 0.14))
    if rng.random() < 0.15:
        for block in range(0, 9, 2):
            x, y = left + block % 3 * 3 * cell, top + block // 3 * 3 * cell
            area = rules[max(int(y), 0) : max(int(y + 3 * cell), 0), max(int(x), 0) : max(int(x + 3 * cell), 0)]
            np.maximum(area, np.uint8(rng.integers(20, 70)), out=area)
    for step in range(10):
        width, at = thick if step % 3 == 0 else thin, step * cell
        paper.line(rules, (left, top + at), (left + 9 * cell, top + at), width)
        paper.line(rules, (left + at, top), (left + at, top + 9 * cell), width)


def _form(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """Rows of boxes with a digit in each, a caption before them."""
    cell = log_uniform(rng, 14, canvas.page_height * 0.35)
    pen = any_pen(rng, material, cell * rng.uniform(0.5, 0.8), by_hand=0.7)
    caption = print_pen(rng, material, max(SMALLEST, cell * rng.uniform(0.3, 0.6)))
    wide, gap, width = (
        cell * rng.uniform(0.75, 1.1),
        cell * float(rng.choice((0.0, 0.15, 0.4))),
        max(0.7, cell * rng.uniform(0.02, 0.07)),
    )
    open_top = rng.random() < 0.2
    top = cell * rng.uniform(-0.3, 1.0)
    while top < canvas.height:
        line = line_of(rng, material, caption, word(rng))
        x = rng.uniform(-0.2, 0.2) * canvas.width
        if rng.random() < 0.6:
            write(canvas, rng, line, x, top + cell * 0.8)
            x += line.width + cell * 0.4
        for _ in range(int(rng.integers(1, 9))):
            corners = np.array([[x, top], [x, top + cell], [x + wide, top + cell], [x + wide, top]])
            paper.polyline(canvas.layer("rules"), corners, width, closed=not open_top)
            if rng.random() < 0.75:
                sign = digit(rng) if rng.random() < 0.85 else "ABXKETHx-+"[int(rng.integers(10))]
                dx, dy = rng.normal(0, 0.07 if pen.layer == "hand" else 0.02, 2) * cell
                put(canvas, rng, pen, character(rng, material, pen, sign), sign, x + wide / 2 + dx, top + cell / 2 + dy)
            x += wide + gap
        canvas.taken.append((0, top, x, top + cell))
        top += cell * rng.uniform(1.1, 2.2)
    text_block(canvas, rng, material, max(6, int(cell * 0.3)))


def _list(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """Ruled paper: entries with their number, a word and how many."""
    height = _small_height(rng, canvas)
    pen = any_pen(rng, material, height, by_hand=0.8)
    pitch = height * rng.uniform(1.3, 2.2)
    if rng.random() < 0.8:
        paper.ruled(rng, canvas.layer("rules"), pitch, max(0.6, height * rng.uniform(0.01, 0.05)))
    left = rng.uniform(0.0, 0.25) * canvas.width
    for number, base in enumerate(np.arange(rng.uniform(0.5, 1.0) * pitch, canvas.height + height, pitch), 1):
        parts = [f"{number}{'.)'[int(rng.integers(2))]}" if rng.random() < 0.6 else "-", word(rng)]
        parts += [NUMBERS[int(rng.integers(len(NUMBERS)))](rng)] if rng.random() < 0.7 else []
        line = line_of(rng, material, pen, " ".join(parts))
        x = float(left + rng.normal(0, 0.2) * height)
        if canvas.take(x - 1, base - height, x + line.width + 1, base):
            write(canvas, rng, line, x, float(base))


def _receipt(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """What a shop prints: words at the left, prices in a column at the right, faded in bands, folded."""
    height = log_uniform(rng, SMALLEST, min(26.0, canvas.page_height * 0.15))
    pen = replace(print_pen(rng, material, height), shear=0.0, gap=float(rng.uniform(0.0, 0.15)))
    left, right = canvas.width * rng.uniform(0.0, 0.15), canvas.width * rng.uniform(0.75, 1.0)
    for base in np.arange(height * rng.uniform(1, 2), canvas.height + height, height * rng.uniform(1.25, 1.9)):
        total = rng.random() < 0.12
        own = replace(pen, height=height * rng.uniform(1.2, 1.8), grow=0.02) if total else pen
        kind = rng.random()
        if kind < 0.15:
            write(canvas, rng, line_of(rng, material, own, NUMBERS[int(rng.integers(len(NUMBERS)))](rng)), left, base)
            continue
        price = line_of(rng, material, own, f"{'-' if kind > 0.95 else ''}{amount(rng)}")
        write(canvas, rng, price, right - price.width, float(base))
        item = f"{rng.integers(1, 13)} x {amount(rng)}" if kind < 0.3 else capitals(rng) if kind < 0.7 else word(rng)
        line = line_of(rng, material, own, item)
        if left + line.width < right - price.width - height:
            write(canvas, rng, line, left, float(base))
    canvas.taken.append((0, 0, canvas.width, canvas.height))
    _fade(canvas, rng)
    if rng.random() < 0.4:
        fold = float(rng.uniform(0, canvas.height))
        paper.line(canvas.layer("rules"), (-2.0, fold), (canvas.width + 2.0, fold), float(rng.uniform(0.5, 3.0)))


def _fade(canvas: Canvas, rng: np.random.Generator) -> None:
    """Take ink off in bands, as a worn print head does."""
    if rng.random() < 0.6:
        across = rng.random() < 0.5
        drawn = rng.uniform(rng.uniform(0.65, 1.0), 1.0, canvas.height if across else canvas.width)
        bands = np.asarray(cv2.blur(drawn[:, None], (1, int(rng.integers(1, 12)))))
        layer = canvas.layer("print")
        np.copyto(layer, layer * (bands if across else bands.T), casting="unsafe")


def _label(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """Small bold print on a label: dates, prices and words whose characters touch."""
    height = log_uniform(rng, SMALLEST, 24.0)
    pen = replace(
        print_pen(rng, material, height), grow=float(rng.uniform(0.0, 0.04)), gap=float(rng.uniform(-0.09, 0.02))
    )
    for _ in range(int(rng.integers(3, 30))):
        parts = [word(rng) if rng.random() < 0.4 else NUMBERS[int(rng.integers(len(NUMBERS)))](rng) for _ in range(2)]
        _somewhere(canvas, rng, material, pen, " ".join(parts[: int(rng.integers(1, 3))]))
    if rng.random() < 0.4:
        text_block(canvas, rng, material, int(rng.integers(6, 12)))


def _large(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """One to four digits that fill the page."""
    height = canvas.page_height * rng.uniform(0.5, 1.0)
    pen = any_pen(rng, material, float(height), by_hand=0.5)
    if rng.random() < 0.25:
        pen = display_pen(rng, float(height))
    _ruling(canvas, rng, height, 0.3)
    line = line_of(rng, material, pen, "".join(digit(rng) for _ in range(int(rng.integers(1, 5)))))
    if line.width > canvas.page_width * 0.98:
        narrower = pen.height * canvas.page_width / line.width * rng.uniform(0.8, 0.98)
        line = line_of(rng, material, replace(pen, height=narrower), line.text)
    spare_x, spare_y = canvas.page_width - line.width, canvas.page_height - line.pen.height
    x = (canvas.width - line.width) / 2 + rng.uniform(-0.4, 0.4) * max(spare_x, 0)
    base = (canvas.height + line.pen.height) / 2 + rng.uniform(-0.4, 0.4) * max(spare_y, 0)
    write(canvas, rng, line, float(x), float(base))
    if rng.random() < 0.2:
        clutter(canvas, rng, int(rng.integers(1, 3)))


def _newspaper(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """Text in small print, a headline, and perhaps numbers among it."""
    size = int(log_uniform(rng, 6, 22))
    if rng.random() < 0.6:
        words(canvas, rng, material, int(rng.integers(1, 4)))
    for _ in range(int(rng.integers(0, 6))):
        pen = any_pen(rng, material, float(np.clip(size * rng.uniform(0.8, 3.0), SMALLEST, LARGEST)), by_hand=0.35)
        text = NUMBERS[int(rng.integers(len(NUMBERS)))](rng) if rng.random() < 0.6 else digit(rng)
        _somewhere(canvas, rng, material, pen, text)
    text_block(canvas, rng, material, size)


def _lettered(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """Letters and words, by hand or in print, now and then with a number after them."""
    height = _small_height(rng, canvas)
    _ruling(canvas, rng, height, 0.3)
    for _ in range(int(rng.integers(4, 25))):
        size = float(np.clip(height * np.exp(rng.normal(0, 0.25)), SMALLEST, canvas.page_height * 0.5))
        pen = any_pen(rng, material, size, by_hand=0.5)
        text = LETTERS[int(rng.integers(26))]
        if rng.random() < 0.6:
            text = capitals(rng) if rng.random() < 0.5 else word(rng)
            text += f" {NUMBERS[int(rng.integers(len(NUMBERS)))](rng)}" if rng.random() < 0.15 else ""
        _somewhere(canvas, rng, material, pen, text)


def _close_up(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """A piece of something much larger than the page: its strokes are no ones, its loops no zeros."""
    height = canvas.page_height * rng.uniform(1.4, 3.5)
    _ruling(canvas, rng, height, 0.4)
    pen = any_pen(rng, material, float(height), by_hand=0.8)
    sign = digit(rng)
    x, y = rng.uniform(-0.2, 1.2, 2) * (canvas.width, canvas.height)
    put(canvas, rng, pen, character(rng, material, pen, sign), sign, float(x), float(y))
    if canvas.marks:
        canvas.marks[-1] = replace(canvas.marks[-1], silent=True)
    clutter(canvas, rng, int(rng.integers(0, 3)))


def _empty(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """Nothing that is a digit: rulings, shapes, a few words."""
    _ruling(canvas, rng, log_uniform(rng, 10, 60), 0.5)
    clutter(canvas, rng, int(rng.integers(0, 9)))
    if rng.random() < 0.3:
        words(canvas, rng, material, int(rng.integers(1, 5)))
    if rng.random() < 0.2:
        text_block(canvas, rng, material, int(rng.integers(6, 20)))


# By name: the scene, and how often.
SCENES: dict[str, tuple[Scene, float]] = {
    "single": (_single, 0.1),
    "large": (_large, 0.08),
    "scattered": (_scattered, 0.14),
    "numbers": (_numbers, 0.12),
    "list": (_list, 0.05),
    "receipt": (_receipt, 0.06),
    "label": (_label, 0.06),
    "sudoku": (_sudoku, 0.14),
    "form": (_form, 0.04),
    "display": (display, 0.12),
    "meter": (meter, 0.04),
    "keys": (keys, 0.02),
    "newspaper": (_newspaper, 0.08),
    "lettered": (_lettered, 0.07),
    "close-up": (_close_up, 0.03),
    "empty": (_empty, 0.05),
}
