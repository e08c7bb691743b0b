"""Digits, letters and signs in one hand or font, laid onto a canvas one by one or as a line."""

import itertools
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgecnn.digits.pages.canvas import TRAVEL, Canvas, Text
from edgecnn.digits.pages.glyph_sources import Material
from edgecnn.digits.pages.glyphs import PAD, Glyph, draw, placing, printed, thinned, written
from edgecnn.digits.pages.labels import CLUTTER
from edgecnn.digits.pages.strokes import LIT, SIGNS, Segments, penned, segments

# Alone, or in another's writing, these are digits as well.
UNCLEAR = frozenset("OoIl|/!gq")
UNCLEAR_BY_HAND = frozenset("OoIiLlQqGgZzSsBb|/()!,'")
Kind = Literal["print", "segments", "marker", "pen", "strokes"]
HAND_KINDS: tuple[Kind, ...] = ("marker", "pen", "strokes")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SEGMENTS = Segments()
SPACE = 0.35  # between words, in heights
THINNING = 0.08  # of a stroke's width, the most that an edge moves in on either side
FINEST = 22  # pixels high; below it a ballpoint's line is as wide as MNIST's, in pixels


@dataclass(frozen=True)
class Pen:
    """One way to write: its kind, its size and how much characters differ from each other.

    ``height`` of a digit is in pixels; ``grow`` moves the edge of the ink and ``line`` is the width of a pen's line,
    both as shares of the height. ``loose`` is how far characters stray in place, size and rotation. ``unlit`` is how
    much of a display's ink the segments have that are off.
    """

    kind: Kind
    layer: str
    height: float
    font: str = ""
    segments: Segments = SEGMENTS
    unlit: float = 0.0
    grow: float = 0.0
    line: float = 0.0
    shear: float = 0.0
    stretch: float = 1.0
    loose: float = 0.0
    gap: float = 0.0


def print_pen(rng: np.random.Generator, material: Material, height: float) -> Pen:
    """Draw a font with a weight and a shear of its own."""
    return Pen(
        "print", "print", height, font=material.fonts[int(rng.integers(len(material.fonts)))],
        grow=float(rng.choice((0.0, rng.uniform(-0.008, 0.025)), p=(0.7, 0.3))),
        shear=float(rng.choice((0.0, rng.uniform(-0.05, 0.3)), p=(0.85, 0.15))),
        stretch=float(rng.choice((1.0, rng.uniform(0.7, 1.25)), p=(0.7, 0.3))),
        gap=float(rng.choice((0.0, rng.uniform(-0.03, 0.5)), p=(0.6, 0.4))),
    )  # fmt: skip


def display_pen(rng: np.random.Generator, height: float, layer: str = "print") -> Pen:
    """Draw a display of seven segments, upright or leaning; now and then those that are off are faintly there."""
    look = Segments(
        thick=2 * int(rng.integers(3, 9)), gap=int(rng.choice((1, 2, 3, 4))), square=bool(rng.random() < 0.3),
        short=bool(rng.random() < 0.15),
    )  # fmt: skip
    return Pen(
        "segments", layer, height, segments=look,
        shear=float(rng.choice((0.0, 0.1, 0.17, rng.uniform(0, 0.25)))), stretch=float(rng.uniform(0.75, 1.3)),
        gap=float(rng.choice((rng.uniform(0.0, 0.2), rng.uniform(0.2, 0.6)), p=(0.75, 0.25))),
        unlit=float(rng.choice((0.0, rng.uniform(0.04, 0.25)), p=(0.6, 0.4))),
    )  # fmt: skip


def hand_pen(rng: np.random.Generator, height: float) -> Pen:
    """Draw a hand: MNIST's as it is, its middle lines with a pen of any width, or strokes of our own."""
    kind = HAND_KINDS[int(rng.choice(3, p=(0.5, 0.25, 0.25)))]
    if kind == "pen" and height < FINEST:
        kind = "marker"
    narrowest = min(max(1.0 / height, 0.025), 0.1)
    return Pen(
        kind, "hand", height,
        grow=float(rng.uniform(-0.03, 0.015)), line=float(rng.uniform(narrowest, max(0.12, narrowest))),
        shear=float(rng.uniform(-0.15, 0.3)), stretch=float(rng.uniform(0.8, 1.25)), loose=float(rng.uniform(0.2, 1.0)),
        gap=float(rng.uniform(0.05, 0.4)),
    )  # fmt: skip


def any_pen(rng: np.random.Generator, material: Material, height: float, *, by_hand: float) -> Pen:
    """Draw a hand with probability ``by_hand``, else a font."""
    return hand_pen(rng, height) if rng.random() < by_hand else print_pen(rng, material, height)


def character(rng: np.random.Generator, material: Material, pen: Pen, sign: str) -> Glyph:
    """Return one character in the way of a pen."""
    if sign in LIT and pen.kind == "segments":
        return segments(sign, pen.segments)
    if pen.kind in ("print", "segments"):
        return printed(pen.font or material.fonts[0], sign)
    if sign.isdigit() and pen.kind != "strokes":
        return _handwritten(rng, material.digits_nhw, material.digit_labels_n, int(sign), pen)
    if sign.isdigit() or (sign in SIGNS and not sign.isalpha()):
        return penned(rng, sign)
    if sign.upper() in LETTERS and len(material.letters_nhw):
        return _handwritten(rng, material.letters_nhw, material.letter_labels_n, LETTERS.index(sign.upper()), pen)
    return printed(material.fonts[0], sign)


def _handwritten(
    rng: np.random.Generator, images_nhw: NDArray[np.uint8], labels_n: NDArray[np.int64], label: int, pen: Pen
) -> Glyph:
    """Draw one of the images with a label."""
    image_hw = images_nhw[int(rng.integers(*np.searchsorted(labels_n, (label, label + 1))))]
    return thinned(image_hw) if pen.kind == "pen" else written(image_hw, pen.height)


def line_width(pen: Pen, glyph: Glyph, sign: str) -> float:
    """Return how far the edge moves outwards for a pen, in pixels; inwards never so far that strokes break."""
    if glyph.is_line:
        return pen.line / 2 * pen.height
    return max(pen.grow * pen.height, -THINNING * _ink_width(pen, glyph, sign))


def _ink_width(pen: Pen, glyph: Glyph, sign: str) -> float:
    """Estimate how wide a glyph's strokes are before its edge is moved, in pixels of the canvas."""
    travel = TRAVEL[int(sign) if sign.isdigit() else CLUTTER] * pen.height
    return glyph.ink * (pen.height / glyph.unit) ** 2 / travel


def put(
    canvas: Canvas,
    rng: np.random.Generator,
    pen: Pen,
    glyph: Glyph,
    sign: str,
    x: float,
    y: float,
    *,
    in_word: bool = False,
) -> None:
    """Draw a character with the middle of its ink near (x, y)."""
    loose = pen.loose * 0.06
    scale = pen.height / glyph.unit * float(np.exp(rng.normal(0, loose)))
    place = placing(
        glyph, scale, x, y + float(rng.normal(0, loose / 2)) * pen.height, pen.shear + float(rng.normal(0, loose)),
        float(rng.normal(0, loose)), pen.stretch,
    )  # fmt: skip
    label = int(sign) if sign.isdigit() else CLUTTER
    strength = float(rng.uniform(0.8, 1.0)) if pen.layer == "hand" else 1.0
    unclear = is_unclear(pen, sign)
    canvas.put(
        glyph, place, grow=line_width(pen, glyph, sign), label=label, layer=pen.layer, unclear=unclear,
        silent=unclear and in_word, strength=strength, stroke=stroke(pen, glyph, sign),
    )  # fmt: skip


def is_unclear(pen: Pen, sign: str) -> bool:
    """Tell whether a character by itself could be a digit."""
    return sign in (UNCLEAR_BY_HAND if pen.layer == "hand" else UNCLEAR)


def stroke(pen: Pen, glyph: Glyph, sign: str) -> float:
    """Estimate the width of a glyph's strokes in pixels of the canvas."""
    return max((0.0 if glyph.is_line else _ink_width(pen, glyph, sign)) + 2 * line_width(pen, glyph, sign), 0.5)


@dataclass(frozen=True, eq=False)
class Line:
    """Characters of one pen, ready to be laid down; ``None`` is a space. ``width`` is in pixels."""

    pen: Pen
    text: str
    glyphs: tuple[Glyph | None, ...]
    width: float


def line_of(rng: np.random.Generator, material: Material, pen: Pen, text: str) -> Line:
    """Get a line's characters."""
    glyphs = tuple(None if sign == " " else character(rng, material, pen, sign) for sign in text)
    return Line(pen, text, glyphs, sum(_advance(pen, glyph) for glyph in glyphs) + abs(pen.shear) * pen.height)


def _advance(pen: Pen, glyph: Glyph | None) -> float:
    if glyph is None:
        if pen.kind != "segments":
            return SPACE * pen.height
        glyph = segments("8", pen.segments)  # a cell that is off
    return (glyph.advance / glyph.unit * pen.stretch + pen.gap) * pen.height


def write(canvas: Canvas, rng: np.random.Generator, line: Line, x: float, base: float) -> None:
    """Lay a line down that begins at ``x`` and stands on ``base``."""
    pen, borders = line.pen, [len(canvas.marks)]
    if pen.unlit:
        _unlit(canvas, line, x, base)
    in_word = any(sign.isalpha() and not is_unclear(pen, sign) for sign in line.text)
    for sign, glyph in zip(line.text, line.glyphs, strict=True):
        if glyph is None:
            borders.append(len(canvas.marks))
        else:
            put(canvas, rng, pen, glyph, sign, *_middle(pen, glyph, x, base), in_word=in_word)
        x += _advance(pen, glyph)
    canvas.texts.append(Text(line.text, tuple(canvas.marks[borders[0] :])))
    _mark_words(canvas, [*borders, len(canvas.marks)])


def _middle(pen: Pen, glyph: Glyph, x: float, base: float) -> tuple[float, float]:
    """Return the middle of a glyph's ink where its cell begins at ``x`` and stands on ``base``."""
    scale = pen.height / glyph.unit
    bearing = 0.0 if pen.layer == "hand" else (glyph.left - PAD) * pen.stretch
    up = (glyph.top + glyph.height / 2 - glyph.line) * scale
    return x + (bearing + glyph.width * pen.stretch / 2) * scale, base + up


def _unlit(canvas: Canvas, line: Line, x: float, base: float) -> None:
    """Draw the segments of a display's cells as they are when off."""
    pen, whole = line.pen, segments("8", line.pen.segments)
    for sign, glyph in zip(line.text, line.glyphs, strict=True):
        if glyph is None or sign.isdigit():
            middle = _middle(pen, whole, x, base)
            place = placing(whole, pen.height / whole.unit, *middle, pen.shear, 0.0, pen.stretch)
            draw(canvas.layer(pen.layer), whole, place, line_width(pen, whole, "8"), pen.unlit)
        x += _advance(pen, glyph)


def _mark_words(canvas: Canvas, borders: list[int]) -> None:
    """Remember words as one thing each, beside their letters."""
    for begin, end in itertools.pairwise(borders):
        word = canvas.marks[begin:end]
        if len(word) > 1 and all(mark.label == CLUTTER for mark in word):
            corners = np.concatenate([mark.hull for mark in word])
            unclear = all(mark.unclear for mark in word)
            canvas.marks.append(replace(word[0], hull=corners, unclear=unclear, silent=False))
