"""An image of a digit as strokes of a pen: its skeleton, traced into lines from end to end."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Point = tuple[float, float]
AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))  # clockwise from above
INK = 110  # of 255, from which a pixel is ink
FINER = 4  # times as many pixels a side, so that thin gaps stay open
SPUR = 3 * FINER  # a shorter branch is a bump of the outline
STEP = 2 * FINER  # pixels from one point of a stroke to the next


def strokes(image_hw: NDArray[np.uint8]) -> list[list[Point]]:
    """Return the strokes, each a list of (x, y) in pixels of the image, with the centers of pixels at a half."""
    high, wide = image_hw.shape
    fine = np.asarray(Image.fromarray(image_hw).resize((FINER * wide, FINER * high), Image.Resampling.BICUBIC))
    pixels = {(int(y), int(x)) for y, x in np.argwhere(skeleton(fine >= INK))}
    found = _paths(pixels)
    paths = [path for path in found if len(path) > SPUR] or found
    return [[((x + 0.5) / FINER, (y + 0.5) / FINER) for y, x in [*path[:-1:STEP], path[-1]]] for path in paths]


def skeleton(ink_hw: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Thin ink to lines of one pixel (Zhang and Suen 1984, https://doi.org/10.1145/357994.358023)."""
    ink = np.pad(ink_hw, 1)
    for turn in range(2 * max(ink.shape)):
        around = np.stack([np.roll(ink, (-dy, -dx), (0, 1)) for dy, dx in AROUND])
        count = around.sum(axis=0)
        crossings = (~around & np.roll(around, -1, axis=0)).sum(axis=0)
        above, right, below, left = around[::2]
        open_sides = ~(above & right & below) & ~(right & below & left)
        if turn % 2:
            open_sides = ~(above & right & left) & ~(above & below & left)
        ink = ink & ~((count >= 2) & (count <= 6) & (crossings == 1) & open_sides)
    return ink[1:-1, 1:-1]


def _paths(pixels: set[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Walk over all pixels, each once: from an end where there is one, straight on where there is a choice."""
    left, paths = set(pixels), []
    while left:
        path = [min(left, key=lambda pixel: (len(_near(pixel, left)), pixel))]
        left.remove(path[0])
        while near := _near(path[-1], left):
            path.append(min(near, key=lambda pixel: (_turn(path, pixel), pixel)))
            left.remove(path[-1])
        paths.append(_joined(path, pixels))
    return paths


def _near(pixel: tuple[int, int], pixels: set[tuple[int, int]]) -> list[tuple[int, int]]:
    return [near for dy, dx in AROUND if (near := (pixel[0] + dy, pixel[1] + dx)) in pixels]


def _turn(path: list[tuple[int, int]], pixel: tuple[int, int]) -> float:
    before, here = np.array(path[-SPUR:][0]), np.array(path[-1])
    ahead, step = here - before, np.array(pixel) - here
    return 0.0 if not ahead.any() else float(-(ahead @ step) / np.hypot(*ahead) / np.hypot(*step))


def _joined(path: list[tuple[int, int]], pixels: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Let both ends touch what they branch off from."""
    own = set(path)
    first = [near for near in _near(path[0], pixels) if near not in own or (len(path) > SPUR and near == path[-1])]
    last = [near for near in _near(path[-1], pixels) if near not in own or (len(path) > SPUR and near == path[0])]
    return first[:1] + path + last[:1]
