"""Digits drawn from scratch: pen strokes along wavering curves, and the seven segments of a display.

MNIST is American handwriting of one kind. Ones with an upstroke, crossed sevens, open fours and strokes as thin as a
ballpoint's are rare or absent there, and common elsewhere.
"""

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgecnn.digits.pages.glyphs import PAD, Glyph, distances, measured, traced
from edgecnn.digits.pages.opencv import cv2

SIDE = 56  # pixels from the top of a drawn digit to its bottom
WAVER = 0.035  # of the points, as a share of the height
AROUND = 15  # pixels around it, for what hangs over
STEPS = 7  # of the curve between two points

# Ways to write each digit: strokes of points (x, y) in hundredths of the height, joined by a smooth curve. A point that
# is given twice is a corner.
WAYS: dict[int, tuple[tuple[tuple[tuple[int, int], ...], ...], ...]] = {
    0: (
        (((34, 2), (10, 18), (3, 52), (14, 90), (36, 99), (58, 82), (64, 46), (54, 12), (30, 1)),),
        (((46, 8), (22, 12), (4, 50), (16, 92), (40, 96), (62, 60), (56, 16), (30, 0), (24, 4)),),
    ),
    1: (
        (((16, 0), (15, 50), (13, 100)),),
        (((0, 38), (18, 20), (34, 0), (34, 0), (32, 50), (30, 100)),),
        (((0, 30), (26, 0), (26, 0), (26, 50), (26, 100), (26, 100)), ((6, 100), (28, 99), (48, 100))),
        (((28, 0), (20, 48), (8, 100)),),
    ),
    2: (
        (((4, 24), (16, 4), (44, 4), (52, 26), (34, 58), (2, 98), (2, 98), (30, 97), (64, 96)),),
        (((2, 20), (24, 0), (50, 12), (46, 44), (16, 84), (4, 92), (10, 80), (30, 92), (62, 94)),),
    ),
    3: (
        (((4, 12), (24, 0), (50, 12), (42, 38), (18, 46), (18, 46), (46, 54), (56, 76), (36, 98), (2, 90)),),
        (((4, 2), (28, 1), (54, 0), (54, 0), (24, 40), (24, 40), (52, 52), (56, 78), (30, 100), (0, 90)),),
    ),
    4: (
        (((24, 0), (14, 32), (0, 62), (0, 62), (30, 61), (62, 60)), ((46, 30), (42, 64), (38, 100))),
        (((44, 0), (20, 34), (0, 66), (0, 66), (32, 66), (64, 66)), ((46, 0), (45, 50), (44, 100))),
        (((40, 2), (0, 70), (0, 70), (34, 68), (66, 68)), ((42, 44), (40, 72), (36, 102))),
    ),
    5: (
        (((54, 2), (34, 3), (12, 2), (12, 2), (8, 40), (8, 40), (34, 36), (54, 60), (40, 94), (2, 94)),),
        (((14, 0), (11, 20), (8, 42), (8, 42), (40, 42), (52, 70), (34, 98), (0, 92)), ((14, 2), (34, 2), (58, 0))),
    ),
    6: (
        (((44, 0), (16, 30), (2, 66), (14, 96), (40, 98), (54, 76), (40, 54), (16, 60), (4, 76)),),
        (((30, 0), (8, 40), (4, 78), (24, 100), (48, 82), (38, 58), (8, 70)),),
    ),
    7: (
        (((0, 4), (28, 3), (56, 2), (56, 2), (38, 48), (22, 100)),),
        (((2, 6), (28, 3), (58, 2), (58, 2), (40, 46), (26, 100)), ((12, 50), (32, 48), (56, 46))),
        (((2, 18), (4, 2), (4, 2), (30, 5), (56, 0), (56, 0), (34, 44), (26, 100)),),
        (((0, 8), (18, 0), (36, 8), (56, 2), (56, 2), (38, 44), (20, 100)), ((16, 54), (34, 50), (52, 50))),
    ),
    8: (
        (((50, 10), (26, 0), (8, 18), (26, 44), (52, 66), (46, 94), (18, 98), (4, 78), (26, 50), (50, 28), (48, 8)),),
        (((30, 46), (8, 30), (14, 4), (42, 2), (52, 22), (30, 46), (4, 70), (14, 97), (44, 97), (54, 72), (30, 46)),),
    ),
    9: (
        (((48, 14), (24, 0), (4, 22), (12, 46), (36, 44), (50, 16), (50, 16), (46, 60), (40, 100)),),
        (((46, 10), (18, 4), (4, 32), (26, 48), (48, 20), (50, 10), (52, 56), (34, 96), (6, 92)),),
    ),
}
# What stands between digits, in the same measure; 100 is the line that digits stand on.
SIGNS: dict[str, tuple[tuple[tuple[int, int], ...], ...]] = {
    ".": (((8, 97), (11, 99), (9, 100)),),
    ",": (((12, 92), (11, 102), (4, 112)),),
    ":": (((8, 42), (11, 44), (9, 46)), ((8, 88), (11, 90), (9, 92))),
    "-": (((4, 54), (22, 53), (40, 53)),),
    "+": (((2, 56), (24, 55), (48, 55)), ((25, 32), (25, 56), (24, 80))),
    "=": (((4, 44), (24, 43), (46, 43)), ((4, 64), (24, 64), (46, 63))),
    "/": (((42, -4), (22, 50), (2, 104)),),
    "x": (((4, 38), (22, 62), (44, 90)), ((42, 40), (22, 64), (2, 90))),
    "(": (((26, -6), (8, 24), (6, 70), (24, 106)),),
    ")": (((2, -6), (20, 24), (22, 70), (4, 106)),),
    "?": (((4, 18), (24, 0), (44, 18), (26, 46), (24, 70)), ((23, 92), (26, 94), (24, 96))),
    "!": (((14, 0), (14, 36), (13, 72)), ((11, 94), (14, 96), (12, 98))),
    "%": (((48, 0), (26, 50), (4, 100)), ((14, 6), (2, 18), (14, 32), (24, 18), (14, 6)),
          ((44, 66), (32, 80), (44, 96), (56, 80), (44, 66))),
    "#": (((20, 4), (14, 96)), ((44, 4), (38, 96)), ((2, 34), (58, 32)), ((0, 66), (56, 64))),
    "v": (((0, 50), (16, 98), (16, 98), (60, -10)),),
    "*": (((22, 30), (22, 74)), ((4, 40), (40, 64)), ((40, 40), (4, 64))),
    "@": (((40, 40), (24, 36), (20, 60), (36, 64), (42, 40), (46, 66), (62, 56), (56, 16), (26, 8), (2, 44), (14, 90),
           (50, 92)),),
}  # fmt: skip
# Segments a to g of a display, as (x, y) of their ends in a box of 50 x 100, and which each sign lights.
SEGMENTS = ((0, 0, 50, 0), (50, 0, 50, 50), (50, 50, 50, 100), (0, 100, 50, 100), (0, 50, 0, 100), (0, 0, 0, 50),
            (0, 50, 50, 50))  # fmt: skip
LIT = {
    "0": "abcdef", "1": "bc", "2": "abdeg", "3": "abcdg", "4": "bcfg", "5": "acdfg", "6": "acdefg", "7": "abc",
    "8": "abcdefg", "9": "abcdfg", "-": "g", ".": "", ":": "",
}  # fmt: skip
SHORT = {"6": "cdefg", "7": "abcf", "9": "abcfg"}  # as some displays have them
DOTS = {".": (100,), ":": (30, 70)}  # how far down


def penned(rng: np.random.Generator, character: str) -> Glyph:
    """Draw the middle line of a digit or sign, each time a little different."""
    ways = WAYS[int(character)] if character.isdigit() else (SIGNS[character],)
    stretch = SIDE / 100 * rng.uniform((0.75, 1.0), (1.35, 1.0))
    line_hw = np.zeros((SIDE + 2 * AROUND, SIDE + 2 * AROUND), np.uint8)
    for stroke in ways[int(rng.integers(len(ways)))]:
        points = _wavered(rng, np.array(stroke, np.float64)) * stretch + AROUND
        curve = np.round(_curve(points) * 16).astype(np.int32)
        cv2.polylines(line_hw, [curve], False, 255, 1, cv2.LINE_8, 4)
    return traced(line_hw, AROUND + SIDE, SIDE)


def _wavered(rng: np.random.Generator, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move the points; what is given twice to make a corner stays together."""
    moved = points + rng.normal(0, 100 * WAVER, points.shape)
    same = np.flatnonzero((points[1:] == points[:-1]).all(1)) + 1
    moved[same] = moved[same - 1]
    return moved


def _curve(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a Catmull-Rom curve through the points."""
    padded = np.vstack([points[:1], points, points[-1:]])
    before, start, end, after = (padded[k : k + len(points) - 1] for k in range(4))
    t = np.linspace(0, 1, STEPS)[:, None, None]
    curve: NDArray[np.float64] = start + 0.5 * t * (
        end - before + t * (2 * before - 5 * start + 4 * end - after + t * (3 * (start - end) + after - before))
    )
    return curve.transpose(1, 0, 2).reshape(-1, 2)


@dataclass(frozen=True)
class Segments:
    """How the segments of a display look: their width and the gaps between them in hundredths of a digit's height,
    with square ends or pointed ones; ``short`` is a 6 and a 9 without a tail, and a 7 with one."""

    thick: int = 10
    gap: int = 2
    square: bool = False
    short: bool = False


@functools.lru_cache(maxsize=4096)
def segments(sign: str, look: Segments) -> Glyph:
    """Return a digit of a display, a minus, a point or a colon."""
    unit, border = SIDE / 100, PAD + 8
    mask = np.zeros((SIDE + 2 * border, SIDE // 2 + 2 * border), np.uint8)
    for name in SHORT[sign] if look.short and sign in SHORT else LIT[sign]:
        cv2.fillConvexPoly(mask, _segment(SEGMENTS["abcdefg".index(name)], look, unit), 255, cv2.LINE_8, 4)
    for down in DOTS.get(sign, ()):
        middle = round((look.thick / 2 * unit + border) * 16), round((down * unit + border) * 16)
        cv2.circle(mask, middle, round(look.thick * 0.6 * unit * 16), 255, cv2.FILLED, cv2.LINE_8, 4)
    field, advance = distances(mask), look.thick / 100 + 0.1 if sign in DOTS else 0.72
    return measured(field, field, line=SIDE + border, unit=SIDE, advance=SIDE * advance)


def _segment(ends: tuple[int, int, int, int], look: Segments, unit: float) -> NDArray[np.int32]:
    """Return a bar with pointed or square ends that leaves a gap to its neighbors, in sixteenths of a pixel."""
    (x0, y0), (x1, y1) = np.array(ends[:2], np.float64), np.array(ends[2:], np.float64)
    along, half = np.array([x1 - x0, y1 - y0]) / 50, look.thick / 2
    across = np.array([-along[1], along[0]]) * half
    start, end = np.array([x0, y0]) + along * look.gap, np.array([x1, y1]) - along * look.gap
    corners = [start + along * half + across, end - along * half + across]
    corners += [] if look.square else [end]
    corners += [end - along * half - across, start + along * half - across]
    corners += [] if look.square else [start]
    return np.round((np.array(corners) * unit + PAD + 8) * 16).astype(np.int32)
