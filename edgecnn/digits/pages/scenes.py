"""What is on a page: single digits, numbers, grids, forms, displays, text, and pages without any digit."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgecnn.digits.pages import paper
from edgecnn.digits.pages.canvas import Canvas
from edgecnn.digits.pages.glyph_sources import Material
from edgecnn.digits.pages.log_uniform import log_uniform
from edgecnn.digits.pages.shapes import clutter
from edgecnn.digits.pages.strokes import SIGNS
from edgecnn.digits.pages.text import text_block, words
from edgecnn.digits.pages.wording import NUMBERS, digit, word
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

SMALLEST, LARGEST = 10.0, 60.0  # digits of a page with many, pixels high


def compose(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """Fill a canvas with one of the scenes."""
    names, shares = zip(*SCENES.items(), strict=True)
    names[int(rng.choice(len(names), p=np.array(shares) / sum(shares)))](canvas, rng, material)


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
        if rng.random() < 0.08:
            pen = display_pen(rng, float(height))
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


def _display(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """A display with digits, and keys below it."""
    height = log_uniform(rng, 12, canvas.page_height * 0.5)
    pen = display_pen(rng, height) if rng.random() < 0.7 else print_pen(rng, material, height)
    base = height * rng.uniform(1.1, 1.6)
    for _ in range(int(rng.integers(1, 4))):
        text = "".join(NUMBERS[int(rng.integers(len(NUMBERS)))](rng) for _ in range(int(rng.integers(1, 3))))
        text = "".join(sign for sign in text if sign.isdigit() or sign in ".:- ")
        line = line_of(rng, material, pen, text[: int(rng.integers(1, 12))])
        x = float(rng.uniform(-0.1, 0.4) * canvas.width)
        write(canvas, rng, line, x, float(base))
        if rng.random() < 0.5:
            box = np.array([[x, base], [x + line.width, base], [x + line.width, base - height], [x, base - height]])
            box += np.array([[-1, 1], [1, 1], [1, -1], [-1, -1]]) * height * 0.3
            paper.polyline(canvas.layer("rules"), box, height * 0.06, closed=True)
        canvas.taken.append((x - height * 0.4, base - height * 1.4, x + line.width + height * 0.4, base + height * 0.4))
        base += height * rng.uniform(1.7, 2.4)
    if base < canvas.height:
        _keys(canvas, rng, material, float(base), float(np.clip(height * rng.uniform(0.4, 1.0), SMALLEST, 40)))


def _keys(canvas: Canvas, rng: np.random.Generator, material: Material, top: float, height: float) -> None:
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
    """Letters and words alone, by hand or in print."""
    height = _small_height(rng, canvas)
    _ruling(canvas, rng, height, 0.3)
    for _ in range(int(rng.integers(4, 25))):
        size = float(np.clip(height * np.exp(rng.normal(0, 0.25)), SMALLEST, canvas.page_height * 0.5))
        pen = any_pen(rng, material, size, by_hand=0.5)
        text = word(rng) if rng.random() < 0.4 else LETTERS[int(rng.integers(26))]
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


SCENES: dict[Scene, float] = {
    _single: 0.17,
    _scattered: 0.2,
    _numbers: 0.15,
    _sudoku: 0.17,
    _form: 0.05,
    _display: 0.06,
    _newspaper: 0.1,
    _lettered: 0.05,
    _close_up: 0.05,
    _empty: 0.05,
}
