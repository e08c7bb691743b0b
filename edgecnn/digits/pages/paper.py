"""What lies under the ink: paper, cloth, tables and hatching as gray levels, and the lines that are printed on it."""

import functools

import numpy as np
from numpy.typing import NDArray

from edgecnn.digits.pages.opencv import cv2

Gray = NDArray[np.float32]

TILE, TILES, SEAM = 384, 12, 96
FIXED = 16.0  # OpenCV takes points in sixteenths of a pixel


@functools.cache
def _tiles() -> tuple[Gray, ...]:
    """Return textures of mean 0 and deviation 1: grain of several sizes, then fibres that run one way."""
    rng = np.random.default_rng(5)
    tiles = []
    for index in range(TILES):
        grain = np.pad(rng.standard_normal((TILE, TILE), np.float32), SEAM, mode="wrap")
        fine, long = 0.5 * 1.45**index if index < 8 else 0.6, 0.0 if index < 8 else 8.0 + 6 * (index - 8)
        tile = cv2.GaussianBlur(grain, (0, 0), sigmaX=max(fine, long), sigmaY=fine)[SEAM:-SEAM, SEAM:-SEAM]
        tiles.append((tile - tile.mean()) / tile.std())
    return tuple(tiles)


def texture(rng: np.random.Generator, height: int, width: int, *, fibres: bool = False) -> Gray:
    """Return a piece of texture (height, width), mean about 0 and deviation about 1."""
    tile = _tiles()[int(rng.integers(8, TILES) if fibres else rng.integers(0, 8))]
    if rng.random() < 0.5:
        tile = tile.T
    if max(height, width) > TILE:
        repeats = -(-height // TILE), -(-width // TILE)
        return np.tile(tile, repeats)[:height, :width].copy()
    top, left = (int(rng.integers(0, TILE - side + 1)) for side in (height, width))
    return tile[top : top + height, left : left + width].copy()


def ground(rng: np.random.Generator, height: int, width: int, level: float) -> Gray:
    """Return what lies under the ink, gray levels around ``level``."""
    paper = texture(rng, height, width)
    paper *= float(rng.choice((0.3, 1.0, 2.5), p=(0.4, 0.4, 0.2)))
    kind = rng.random()
    if kind < 0.06:
        paper += texture(rng, height, width, fibres=True) * rng.uniform(2, 9)
    elif kind < 0.12:
        paper += _hatching(rng, height, width) * rng.uniform(3, 14)
    elif kind < 0.2:
        paper += cv2.flip(texture(rng, height, width), 1) * rng.uniform(2, 6)
    paper += level
    return paper


def _hatching(rng: np.random.Generator, height: int, width: int) -> Gray:
    """Return stripes of -1..1, some pixels wide, at any angle."""
    pitch, angle = rng.uniform(3.0, 9.0), rng.uniform(0, np.pi)
    rows = np.arange(height, dtype=np.float32)[:, None] * np.float32(np.sin(angle) * 2 * np.pi / pitch)
    columns = np.arange(width, dtype=np.float32) * np.float32(np.cos(angle) * 2 * np.pi / pitch)
    stripes: Gray = np.sin(rows + columns)
    return stripes


def line(coverage_hw: NDArray[np.uint8], start: tuple[float, float], end: tuple[float, float], width: float) -> None:
    """Draw a line from x, y to x, y, any width in pixels; what is thinner than one pixel is fainter."""
    solid = int(min(1.0, width) * 255)
    ends = [tuple(round(value * FIXED) for value in point) for point in (start, end)]
    cv2.line(coverage_hw, ends[0], ends[1], solid, max(1, round(width)), cv2.LINE_AA, 4)


def polyline(coverage_hw: NDArray[np.uint8], points: NDArray[np.float64], width: float, *, closed: bool) -> None:
    """Draw joined lines through points (K, 2)."""
    fixed = np.round(points * FIXED).astype(np.int32)
    cv2.polylines(coverage_hw, [fixed], closed, int(min(1.0, width) * 255), max(1, round(width)), cv2.LINE_AA, 4)


def squares(rng: np.random.Generator, coverage_hw: NDArray[np.uint8], pitch: float, width: float) -> None:
    """Rule paper into squares, or into dots where they cross."""
    ruled(rng, coverage_hw, pitch, width)
    across = coverage_hw.T.copy()
    ruled(rng, across, pitch, width)
    if rng.random() < 0.15 and width > 1:
        np.minimum(coverage_hw, across.T, out=coverage_hw)
    else:
        np.maximum(coverage_hw, across.T, out=coverage_hw)


def ruled(rng: np.random.Generator, coverage_hw: NDArray[np.uint8], pitch: float, width: float) -> None:
    """Rule paper with lines from side to side."""
    height, wide = coverage_hw.shape
    for y in np.arange(rng.uniform(0, pitch), height, pitch):
        line(coverage_hw, (-2.0, float(y)), (wide + 2.0, float(y)), width)


def filled(coverage_hw: NDArray[np.uint8], points: NDArray[np.float64]) -> None:
    """Fill what is inside points (K, 2)."""
    cv2.fillPoly(coverage_hw, [np.round(points * FIXED).astype(np.int32)], 255, cv2.LINE_AA, 4)
