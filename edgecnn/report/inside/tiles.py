"""Many small pictures as one: arrays laid side by side, each pixel a square, with a gap that lets the page through."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from numpy.typing import NDArray

Rgba = NDArray[np.float32]  # (H, W, 4), 0..1


def colored(values_hw: NDArray[np.float32], low: float, high: float, colors: Colormap | str) -> Rgba:
    """Return numbers as colors; what is between ``low`` and ``high`` fills the scale."""
    scale = colormaps[colors] if isinstance(colors, str) else colors
    shares_hw = (values_hw - low) / (high - low) if high > low else np.full_like(values_hw, 0.5)
    return np.asarray(scale(np.clip(shares_hw, 0, 1)), np.float32)


def opaque(image_hwc: NDArray[np.uint8]) -> Rgba:
    """Return a picture of gray or RGB as colors."""
    rgb_hwc = np.repeat(image_hwc, 3, axis=2) if image_hwc.shape[2] == 1 else image_hwc[..., :3]
    full_hw1 = np.full((*rgb_hwc.shape[:2], 1), 255, np.uint8)
    return np.concatenate([rgb_hwc, full_hw1], axis=2).astype(np.float32) / np.float32(255)


def sheet(tiles: Sequence[Rgba], columns: int, gap: float = 0.12) -> Rgba:
    """Lay tiles of one size in rows; the gap is a share of their side, at least a pixel."""
    height, width = tiles[0].shape[:2]
    scale = max(1, math.ceil(1 / (gap * min(height, width))))
    space = max(1, round(gap * scale * min(height, width)))
    tall, wide = height * scale + space, width * scale + space
    rows = math.ceil(len(tiles) / columns)
    laid = np.zeros((rows * tall - space, columns * wide - space, 4), np.float32)
    for place, tile in enumerate(tiles):
        top, left = (place // columns) * tall, (place % columns) * wide
        laid[top : top + height * scale, left : left + width * scale] = np.kron(tile, np.ones((scale, scale, 1)))
    return laid


def show(axes: Axes, picture: Rgba) -> None:
    """Draw a picture from the upper left of the axes, pixels as squares."""
    axes.imshow(picture, interpolation="nearest", aspect="equal", resample=False)
    axes.set_anchor("NW")
    axes.set_axis_off()
    axes.patch.set_alpha(0)
