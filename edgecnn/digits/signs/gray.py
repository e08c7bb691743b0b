"""A frame's gray levels, as they are or reduced, and what they are between pixels."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLES_IN_CACHE = 1 << 14


@dataclass(frozen=True, slots=True, eq=False)
class Gray:
    """Gray levels, each the mean of ``scale`` x ``scale`` pixels of a frame; at scale 1 its uint8 pixels."""

    levels_hw: NDArray[Any]
    scale: int

    def nearest(self, x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
        """Return the levels at places in pixels of the frame; beyond its border it goes on as it ends."""
        high, wide = self.levels_hw.shape
        column = _within(np.floor(x / self.scale), wide - 1).astype(np.int64)
        row = _within(np.floor(y / self.scale), high - 1).astype(np.int64)
        found: NDArray[np.float64] = self.levels_hw.ravel().take(row * wide + column).astype(np.float64)
        return found

    def interpolated(self, x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
        """Return the levels between those of pixels, bilinearly.

        At the last row and column, what is taken for the next one counts for nothing.
        """
        high, wide = self.levels_hw.shape
        x, y = _within(x / self.scale - 0.5, wide - 1), _within(y / self.scale - 0.5, high - 1)
        column, row = x.astype(np.int64), y.astype(np.int64)
        x, y = x - column, y - row
        at = row * wide + column
        upper, lower = self._blended(at, x), self._blended(at + wide, x)
        upper *= 1 - y
        lower *= y
        upper += lower
        return upper

    def _blended(self, at: NDArray[np.int64], share: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return levels at flat places, with ``share`` of each next one."""
        levels = self.levels_hw.ravel()
        found: NDArray[np.float64] = levels.take(at, mode="clip") * (1 - share)
        found += levels[1:].take(at, mode="clip") * share if levels.size > 1 else 0
        return found


def reduced(gray_hw: NDArray[np.uint8], scale: int) -> Gray:
    """Return means of ``scale`` x ``scale`` pixels."""
    if scale == 1:
        return Gray(np.ascontiguousarray(gray_hw), scale)
    high, wide = (max(side // scale, 1) for side in gray_hw.shape)
    cut_hw = gray_hw[: high * scale, : wide * scale]
    down, across = cut_hw.shape[0] // high, cut_hw.shape[1] // wide
    rows_hw = cut_hw.reshape(high, down, -1).sum(axis=1, dtype=np.uint32)
    sums_hw = np.add.reduce([rows_hw[:, column::across] for column in range(across)], axis=0)
    return Gray(sums_hw / (down * across), scale)


def parts(columns: int, rows: int) -> Iterator[slice]:
    """Yield some columns after others: all at once, samples would leave the processor's cache at every step."""
    at_once = max(1, SAMPLES_IN_CACHE // rows)
    return (slice(first, first + at_once) for first in range(0, columns, at_once))


def _within(values: NDArray[Any], most: float) -> NDArray[Any]:
    """Return values no less than 0 and no more than ``most``; np.clip takes several times as long for so few."""
    limited: NDArray[Any] = np.minimum(np.maximum(values, 0), most)
    return limited
