"""What is on a page: single digits, numbers, grids, forms, displays, text, and pages without any digit."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgecnn.data.pages import paper
from edgecnn.data.pages.canvas import Canvas
from edgecnn.data.pages.glyphs import text_mask, text_places
from edgecnn.data.pages.material import Material
from edgecnn.data.pages.strokes import SIGNS
from edgecnn.data.pages.writing import (
    LETTERS,
    UNCLEAR,
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
# Letters as often as they are used in print; text is made of them at random.
COMMON = (
    "eeeeeeeeeeeettttttaaaaaaooooooiiiiiinnnnnnsssssrrrrrhhhhddddlllluuuccmmwwffggyyppbbvvkjxqz&;!" + " " * 22 + ",.-'"
)
CAPITALS = "EEEEETTTAAAOOIINNNSSSRRRHHDDLLUUCCMMPPGGFFBBVWYKXQZJ" + " " * 6


def compose(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """Fill a canvas with one of the scenes."""
    names, shares = zip(*SCENES.items(), strict=True)
    names[int(rng.choice(len(names), p=np.array(shares) / sum(shares)))](canvas, rng, material)


def _height(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(max(high, low * 1.01)))))


def _small_height(rng: np.random.Generator, canvas: Canvas) -> float:
    return _height(rng, SMALLEST, min(LARGEST, canvas.page_height * 0.4))


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
        _words(canvas, rng, material, 1, at_edge=True)
    for _ in range(1 if rng.random() < 0.8 else 2):
        pen = any_pen(rng, material, float(height), by_hand=0.75)
        if rng.random() < 0.08:
            pen = display_pen(rng, float(height))
        sign = _digit(rng)
        glyph = character(rng, material, pen, sign)
        wide = glyph.width / glyph.unit * pen.height
        middle_x = canvas.width / 2 + canvas.page_width * rng.normal(0, 0.16)
        middle_y = canvas.height / 2 + canvas.page_height * rng.normal(0, 0.1)
        if canvas.take(middle_x - wide * 0.6, middle_y - height * 0.6, middle_x + wide * 0.6, middle_y + height * 0.6):
            put(canvas, rng, pen, glyph, sign, middle_x, middle_y)
    if rng.random() < 0.3:
        _clutter(canvas, rng, int(rng.integers(1, 4)))


def _scattered(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """Digits, letters, words and shapes of many sizes anywhere."""
    base = _small_height(rng, canvas)
    _ruling(canvas, rng, base, 0.35)
    _clutter(canvas, rng, int(rng.integers(0, 4)))
    count = int(np.clip(canvas.width * canvas.height / (base * base * rng.uniform(4, 14)), 2, 60))
    for _ in range(count):
        height = float(np.clip(base * np.exp(rng.normal(0, 0.3)), SMALLEST * 0.8, canvas.page_height * 0.6))
        kind = rng.random()
        pen = any_pen(rng, material, height, by_hand=0.55)
        if kind < 0.55:
            text = _digit(rng)
        elif kind < 0.65:
            text = str(rng.integers(10, 1000))
        elif kind < 0.8:
            text = LETTERS[int(rng.integers(26))]
            text = text.lower() if pen.layer == "print" and rng.random() < 0.5 else text
        elif kind < 0.9:
            text = "".join(rng.choice(list(SIGNS), 1))
        else:
            text = _word(rng)
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
            text = _word(rng) if rng.random() < 0.2 else make(rng)
            line = line_of(rng, material, pen, text)
            if canvas.take(x - 1, base - height, x + line.width + 1, base):
                write(canvas, rng, line, x, float(base))
            x += line.width + height * rng.uniform(0.8, 4.0)
            if rng.random() < 0.3:
                break


def _sudoku(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """A grid of nine by nine, printed and perhaps filled in by hand; now and then a crossword."""
    cell = _height(rng, 18, canvas.page_height * 0.4)
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
        _text_block(canvas, rng, material, max(6, int(cell * rng.uniform(0.25, 0.5))))
    if rng.random() < 0.3:
        _words(canvas, rng, material, 2)


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
    cell = _height(rng, 14, canvas.page_height * 0.35)
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
        line = line_of(rng, material, caption, _word(rng))
        x = rng.uniform(-0.2, 0.2) * canvas.width
        if rng.random() < 0.6:
            write(canvas, rng, line, x, top + cell * 0.8)
            x += line.width + cell * 0.4
        for _ in range(int(rng.integers(1, 9))):
            corners = np.array([[x, top], [x, top + cell], [x + wide, top + cell], [x + wide, top]])
            paper.polyline(canvas.layer("rules"), corners, width, closed=not open_top)
            if rng.random() < 0.75:
                sign = _digit(rng) if rng.random() < 0.85 else "ABXKETHx-+"[int(rng.integers(10))]
                dx, dy = rng.normal(0, 0.07 if pen.layer == "hand" else 0.02, 2) * cell
                put(canvas, rng, pen, character(rng, material, pen, sign), sign, x + wide / 2 + dx, top + cell / 2 + dy)
            x += wide + gap
        canvas.taken.append((0, top, x, top + cell))
        top += cell * rng.uniform(1.1, 2.2)
    _text_block(canvas, rng, material, max(6, int(cell * 0.3)))


def _display(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """A display with digits, and keys below it."""
    height = _height(rng, 12, canvas.page_height * 0.5)
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
            sign = _digit(rng) if rng.random() < 0.7 else "+-x=/CE%M"[int(rng.integers(9))]
            turn = np.linspace(0, 2 * np.pi, 17 if is_round else 5)[:-1] + (0 if is_round else np.pi / 4)
            ring = np.stack([np.cos(turn), np.sin(turn)], 1) * pitch * (0.42 if is_round else 0.58) + (x, y)
            paper.polyline(canvas.layer("rules"), ring, max(0.7, height * 0.06), closed=True)
            put(canvas, rng, pen, character(rng, material, pen, sign), sign, float(x), float(y))
    canvas.taken.append((0, top - pitch, canvas.width, canvas.height))


def _newspaper(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """Text in small print, a headline, and perhaps numbers among it."""
    size = int(_height(rng, 6, 22))
    if rng.random() < 0.6:
        _words(canvas, rng, material, int(rng.integers(1, 4)))
    for _ in range(int(rng.integers(0, 6))):
        pen = any_pen(rng, material, float(np.clip(size * rng.uniform(0.8, 3.0), SMALLEST, LARGEST)), by_hand=0.35)
        text = NUMBERS[int(rng.integers(len(NUMBERS)))](rng) if rng.random() < 0.6 else _digit(rng)
        _somewhere(canvas, rng, material, pen, text)
    _text_block(canvas, rng, material, size)


def _lettered(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """Letters and words alone, by hand or in print."""
    height = _small_height(rng, canvas)
    _ruling(canvas, rng, height, 0.3)
    for _ in range(int(rng.integers(4, 25))):
        size = float(np.clip(height * np.exp(rng.normal(0, 0.25)), SMALLEST, canvas.page_height * 0.5))
        pen = any_pen(rng, material, size, by_hand=0.5)
        text = _word(rng) if rng.random() < 0.4 else LETTERS[int(rng.integers(26))]
        _somewhere(canvas, rng, material, pen, text)


def _close_up(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """A piece of something much larger than the page: its strokes are no ones, its loops no zeros."""
    height = canvas.page_height * rng.uniform(1.4, 3.5)
    _ruling(canvas, rng, height, 0.4)
    pen = any_pen(rng, material, float(height), by_hand=0.8)
    sign = _digit(rng)
    x, y = rng.uniform(-0.2, 1.2, 2) * (canvas.width, canvas.height)
    put(canvas, rng, pen, character(rng, material, pen, sign), sign, float(x), float(y))
    if canvas.marks:
        canvas.marks[-1] = replace(canvas.marks[-1], silent=True)
    _clutter(canvas, rng, int(rng.integers(0, 3)))


def _empty(canvas: Canvas, rng: np.random.Generator, material: Material) -> None:
    """Nothing that is a digit: rulings, shapes, a few words."""
    _ruling(canvas, rng, _height(rng, 10, 60), 0.5)
    _clutter(canvas, rng, int(rng.integers(0, 9)))
    if rng.random() < 0.3:
        _words(canvas, rng, material, int(rng.integers(1, 5)))
    if rng.random() < 0.2:
        _text_block(canvas, rng, material, int(rng.integers(6, 20)))


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


# --- parts of scenes


def _words(canvas: Canvas, rng: np.random.Generator, material: Material, count: int, *, at_edge: bool = False) -> None:
    """Write words where there is room, in sizes of headlines."""
    for _ in range(count):
        pen = any_pen(rng, material, _height(rng, 10, 45), by_hand=0.15)
        line = line_of(rng, material, pen, _word(rng))
        if at_edge:
            base = float(rng.choice((pen.height * 1.2, canvas.height - pen.height * 0.4)))
            x = float(rng.uniform(-0.1, 0.6) * canvas.width)
            if canvas.take(x, base - pen.height * 1.2, x + line.width, base + pen.height * 0.3):
                write(canvas, rng, line, x, base)
            continue
        corner = canvas.somewhere(rng, line.width, pen.height * 1.4, gap=2)
        if corner is not None:
            write(canvas, rng, line, corner[0], corner[1] + pen.height * 1.1)


def _word(rng: np.random.Generator) -> str:
    """Return letters as a word: lower case, with a capital, or all capitals."""
    count = int(rng.integers(2, 9))
    kind = rng.random()
    if kind < 0.35:
        return "".join(CAPITALS[int(k)] for k in rng.integers(0, 50, count))
    word = "".join(COMMON[int(k)] for k in rng.integers(0, 86, count))
    return word.capitalize() if kind < 0.7 else word


def _text_block(canvas: Canvas, rng: np.random.Generator, material: Material, size: int) -> None:
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


# --- shapes


def _clutter(canvas: Canvas, rng: np.random.Generator, count: int) -> None:
    """Draw shapes that are no digits, where there is room."""
    for _ in range(count):
        shape = SHAPES[int(rng.integers(len(SHAPES)))]
        layer = canvas.layer(str(rng.choice(("print", "hand"))))
        shape(canvas, rng, layer)


def _long_line(canvas: Canvas, rng: np.random.Generator, layer: NDArray[np.uint8]) -> None:
    """A line from one side to another."""
    y0, y1 = rng.uniform(0, canvas.height, 2)
    x0, x1 = rng.uniform(0, canvas.width, 2)
    width = float(rng.uniform(0.7, 4.0))
    if rng.random() < 0.5:
        paper.line(layer, (-5.0, float(y0)), (canvas.width + 5.0, float(y1)), width)
    else:
        paper.line(layer, (float(x0), -5.0), (float(x1), canvas.height + 5.0), width)


def _scribble(canvas: Canvas, rng: np.random.Generator, layer: NDArray[np.uint8]) -> None:
    """A pen that goes to and fro: nothing that could be read."""
    side = _height(rng, 15, canvas.page_height * 0.5)
    corner = canvas.somewhere(rng, side, side, gap=2)
    if corner is not None:
        points = rng.uniform(0, side, (int(rng.integers(9, 20)), 2))
        points[:, 0] = np.sort(points[:, 0]) + rng.normal(0, side * 0.1, len(points))
        paper.polyline(layer, points + corner, max(0.8, side * 0.04), closed=False)
        canvas.known(corner[0], corner[1], corner[0] + side, corner[1] + side, "hand")


def _frame(canvas: Canvas, rng: np.random.Generator, layer: NDArray[np.uint8]) -> None:
    """A rectangle or a triangle, empty or full."""
    wide, tall = (_height(rng, 8, canvas.page_height * 0.6) for _ in range(2))
    corner = canvas.somewhere(rng, wide, tall, gap=2)
    if corner is None:
        return
    points = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]]) + corner
    triangle = rng.random() < 0.25
    points = points[rng.permutation(4)[:3]] if triangle else points
    if rng.random() < 0.4:
        paper.filled(layer, points)
    else:
        paper.polyline(layer, points, float(rng.uniform(0.8, 3.0)), closed=True)
    low, high = points.min(0), points.max(0)
    upright = not triangle and tall > 1.15 * wide  # a one, or the zero of a display
    canvas.known(low[0], low[1], high[0], high[1], "print", unclear=upright)


def _ring(canvas: Canvas, rng: np.random.Generator, layer: NDArray[np.uint8]) -> None:
    """A circle or an ellipse; empty, it could be a zero."""
    wide = _height(rng, 8, canvas.page_height * 0.5)
    tall = wide * rng.uniform(0.6, 1.6)
    corner = canvas.somewhere(rng, wide, tall, gap=2)
    if corner is None:
        return
    turn = np.linspace(0, 2 * np.pi, 40)[:-1]
    points = np.stack([np.cos(turn) * wide / 2, np.sin(turn) * tall / 2], 1) + np.array([wide, tall]) / 2 + corner
    full = rng.random() < 0.5
    if full:
        paper.filled(layer, points)
    else:
        paper.polyline(layer, points, float(rng.uniform(0.8, 4.0)), closed=True)
    canvas.known(*corner, corner[0] + wide, corner[1] + tall, "print", unclear=not full)


def _specks(canvas: Canvas, rng: np.random.Generator, layer: NDArray[np.uint8]) -> None:
    """Dirt: dots of a few pixels, anywhere."""
    for x, y in rng.uniform(0, 1, (int(rng.integers(3, 25)), 2)) * (canvas.width, canvas.height):
        paper.line(
            layer, (x, y), (x + float(rng.normal(0, 1.5)), y + float(rng.normal(0, 1.5))), float(rng.uniform(1, 3))
        )


def _curve(canvas: Canvas, rng: np.random.Generator, layer: NDArray[np.uint8]) -> None:
    """A curve across much of the page: a cable, the rim of a cup."""
    radius = canvas.page_height * rng.uniform(0.6, 2.0)
    middle = rng.uniform(-1, 2, 2) * (canvas.width, canvas.height)
    turn = np.linspace(0, 2 * np.pi, 90)[:-1]
    paper.polyline(
        layer, np.stack([np.cos(turn), np.sin(turn)], 1) * radius + middle, float(rng.uniform(0.8, 9.0)), closed=True
    )


def _edge(canvas: Canvas, rng: np.random.Generator, layer: NDArray[np.uint8]) -> None:
    """A table's edge, a finger or a thing that reaches in from one side."""
    side = int(rng.integers(4))
    reach = rng.uniform(0.05, 0.3) * (canvas.width if side % 2 else canvas.height)
    box = {0: (0, 0, canvas.width, reach), 1: (0, 0, reach, canvas.height),
           2: (0, canvas.height - reach, canvas.width, canvas.height),
           3: (canvas.width - reach, 0, canvas.width, canvas.height)}[side]  # fmt: skip
    x0, y0, x1, y1 = box
    if rng.random() < 0.5:
        x0, x1 = (x0 + 0.3 * (x1 - x0), x0 + 0.6 * (x1 - x0)) if side % 2 == 0 else (x0, x1)
        y0, y1 = (y0 + 0.3 * (y1 - y0), y0 + 0.6 * (y1 - y0)) if side % 2 else (y0, y1)
    if canvas.take(x0, y0, x1, y1):
        turn = np.linspace(0, 2 * np.pi, 40)[:-1]
        outline = np.sign(np.stack([np.cos(turn), np.sin(turn)], 1)) * np.abs(
            np.stack([np.cos(turn), np.sin(turn)], 1)
        ) ** rng.uniform(0.2, 1.0)
        paper.filled(layer, outline * np.array([x1 - x0, y1 - y0]) / 2 + np.array([x0 + x1, y0 + y1]) / 2)


SHAPES = (_long_line, _scribble, _frame, _ring, _specks, _curve, _edge)


# --- numbers


def _digit(rng: np.random.Generator) -> str:
    """Return one digit; zero twice as often, since grids have none and numbers seldom begin with it."""
    return "00123456789"[int(rng.integers(11))]


def _digits(rng: np.random.Generator, count: int) -> str:
    return "".join(map(str, rng.integers(0, 10, count)))


def _date(rng: np.random.Generator) -> str:
    mark = ".-/"[int(rng.integers(3))]
    return f"{rng.integers(1, 32)}{mark}{rng.integers(1, 13)}{mark}{rng.integers(1950, 2040)}"


def _price(rng: np.random.Generator) -> str:
    return f"{rng.integers(0, 1000)}{'.,'[int(rng.integers(2))]}{_digits(rng, 2)}"


def _sum(rng: np.random.Generator) -> str:
    first, second = (int(value) for value in rng.integers(0, 100, 2))
    sign = "+-x"[int(rng.integers(3))]
    return f"{first}{sign}{second}={_result(first, sign, second)}"


def _result(first: int, sign: str, second: int) -> int:
    """Return a sum's result without its sign."""
    return {"+": first + second, "-": abs(first - second), "x": first * second}[sign]


def _clock(rng: np.random.Generator) -> str:
    return f"{rng.integers(0, 24)}:{rng.integers(0, 60):02d}"


def _telephone(rng: np.random.Generator) -> str:
    return (
        f"{_digits(rng, int(rng.integers(2, 5)))}{' -/'[int(rng.integers(3))]}{_digits(rng, int(rng.integers(3, 7)))}"
    )


def _count(rng: np.random.Generator) -> str:
    return str(int(10 ** rng.uniform(0, 6)))


NUMBERS = (_date, _price, _sum, _clock, _telephone, _count, _count)
