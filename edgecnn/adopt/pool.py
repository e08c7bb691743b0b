"""Pictures for a model whose data set nobody named: edges of what pixels can be, noise, and smooth shapes.

They compare and identify files; they say nothing of how often a model is right.
"""

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import ImageInput
from edgecnn.runtime.image import resize

SOURCE = "noise and edge cases"
LEVELS = (0, 255, 128)
GRAINS = (1, 2, 4, 8, 16)  # pixels of noise are squares of so many
OF_EACH = 8


def pictures(wanted: ImageInput, *, seed: int = 0) -> NDArray[np.uint8]:
    """Return the same pictures for the same size: uint8 (N, H, W, C)."""
    generator = np.random.default_rng(seed)
    flat = [np.full(wanted.shape, level, np.uint8) for level in LEVELS]
    noise = [_grains(wanted, grain, generator) for grain in GRAINS for _ in range(OF_EACH)]
    shapes = [_shapes(wanted, generator) for _ in range(OF_EACH)]
    return np.stack([*flat, *_ramps(wanted), *noise, *shapes])


def _grains(wanted: ImageInput, grain: int, generator: np.random.Generator) -> NDArray[np.uint8]:
    sides = max(1, wanted.height // grain), max(1, wanted.width // grain)
    small = generator.integers(0, 256, (*sides, wanted.channels), np.uint8)
    return resize(small, wanted.height, wanted.width)


def _ramps(wanted: ImageInput) -> list[NDArray[np.uint8]]:
    down = np.linspace(0, 255, wanted.height)[:, None, None]
    across = np.linspace(255, 0, wanted.width)[None, :, None]
    return [np.broadcast_to(ramp, wanted.shape).astype(np.uint8) for ramp in (down, across)]


def _shapes(wanted: ImageInput, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return some rectangles of one level each on a level."""
    picture = np.full(wanted.shape, generator.integers(0, 256, wanted.channels), np.uint8)
    for _ in range(4):
        top, left = generator.integers(0, wanted.height), generator.integers(0, wanted.width)
        tall, wide = generator.integers(1, wanted.height + 1), generator.integers(1, wanted.width + 1)
        picture[top : top + tall, left : left + wide] = generator.integers(0, 256, wanted.channels)
    return picture
