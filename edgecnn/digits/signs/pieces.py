"""Connected ink in the samples of gaps, at several thresholds, all of a frame at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecnn.digits.signs.gaps import TOP
from edgecnn.digits.signs.sample import FINE, ROWS, Sample

LEVELS = (0.2, 0.26, 0.33, 0.42, 0.52, 0.64)  # thresholds
THIN = 0.35  # what is no higher and goes from side to side is a line


@dataclass(frozen=True, slots=True)
class Piece:
    """Connected ink: width, height, top and bottom, area, darkest sample, slant, and its middle from either digit."""

    wide: float
    high: float
    top: float
    bottom: float
    area: float
    peak: float
    leans: float
    middle: float
    from_left: float
    from_right: float
    edges: tuple[int, int, int, int]


def pieces_of(samples: Sequence[Sample]) -> list[list[list[Piece]]]:
    """Return for each sample and each threshold the connected pieces that touch no border, and are no part of a line.

    A line goes beyond what is looked at above or below, or from side to side; it may break up at higher thresholds.
    """
    found: list[list[list[Piece]]] = [[[] for _ in LEVELS] for _ in samples]
    if not samples:
        return found
    wide = max(sample.ink_rc.shape[1] for sample in samples) + 2
    ink = np.full((len(samples), 1, ROWS + 1, wide), -np.inf)
    for row, sample in enumerate(samples):
        ink[row, 0, :ROWS, 1 : sample.ink_rc.shape[1] + 1] = sample.ink_rc
    ink = np.repeat(ink, len(LEVELS), axis=1)
    inked = (ink >= np.array(LEVELS)[:, None, None]).ravel()
    first, after = (np.flatnonzero(np.diff(inked.view(np.int8)) == step) + 1 for step in (1, -1))
    if not first.size:
        return found
    peaks = np.maximum.reduceat(ink.ravel(), np.column_stack([first, after]).ravel())[::2]
    _, head, piece = np.unique(_joined(first, after, wide), return_index=True, return_inverse=True)
    count = int(piece.max()) + 1
    image, row = np.divmod(first // wide, ROWS + 1)
    begin, end, area = first % wide - 1, after - 1 - first // wide * wide, after - first

    def sums(values: NDArray[np.int64]) -> NDArray[Any]:
        return np.bincount(piece, values, count)

    def extreme(values: NDArray[Any], of: np.ufunc, start: float) -> NDArray[np.float64]:
        result = np.full(count, start)
        of.at(result, piece, values)
        return result

    sum_x = (begin + end - 1) * area // 2
    x0, y0 = extreme(begin, np.minimum, np.inf), extreme(row, np.minimum, np.inf)
    x1, y1 = extreme(end, np.maximum, 0), extreme(row + 1, np.maximum, 0)
    peak, where = extreme(peaks, np.maximum, -np.inf), extreme(image, np.maximum, 0)
    areas, along, down, both = sums(area), sums(sum_x), sums(row * area), sums(row * sum_x)
    across = np.array([sample.ink_rc.shape[1] for sample in samples])[where.astype(np.int64) // len(LEVELS)]
    is_line = (y0 == 0) | (y1 == ROWS) | ((x0 == 0) & (x1 == across) & (y1 - y0 <= THIN * FINE))
    broken = _lower(ink.shape, first[is_line[piece]], after[is_line[piece]])[first[head]]
    for values in zip(where, x0, y0, x1, y1, areas, peak, (both - along * down / areas) / areas, broken, strict=True):
        index, level = divmod(int(values[0]), len(LEVELS))
        sample, edges = samples[index], (int(values[1]), int(values[2]), int(values[3]), int(values[4]))
        clear = edges[0] > 0 and edges[1] > 0 and edges[2] < sample.ink_rc.shape[1] and edges[3] < ROWS
        if clear and not values[8]:
            found[index][level].append(_piece(sample, edges, *(float(value) for value in values[5:8])))
    return found


def _lower(shape: tuple[int, ...], first: NDArray[np.int64], after: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which samples of (N, level, row, column), as one row, lie in one of these runs at a lower level."""
    steps = np.zeros(int(np.prod(shape)) + 1, np.int8)
    steps[first] += 1
    steps[after] -= 1
    there = np.cumsum(steps, dtype=np.int8)[:-1].reshape(shape).view(np.bool_)
    lower = np.zeros(shape, np.bool_)
    for level in range(1, shape[1]):
        np.logical_or(lower[:, level - 1], there[:, level - 1], out=lower[:, level])
    return lower.ravel()


def _joined(first: NDArray[np.int64], after: NDArray[np.int64], wide: int) -> NDArray[np.int64]:
    """Return for runs of ink, in rows of ``wide``, a number that runs share which touch, also at corners."""
    low, high = np.searchsorted(after, first + wide, "left"), np.searchsorted(first, after + wide, "right")
    count = np.maximum(high - low, 0)
    one = np.repeat(np.arange(first.size), count)
    other = np.arange(one.size) - np.repeat(np.cumsum(count) - count - low, count)
    number = np.arange(first.size)
    while True:
        before = number.copy()
        least = np.minimum(number[one], number[other])
        np.minimum.at(number, one, least)
        np.minimum.at(number, other, least)
        number = number[number]
        if np.array_equal(number, before):
            return number


def _piece(sample: Sample, edges: tuple[int, int, int, int], area: float, peak: float, covariance: float) -> Piece:
    x0, y0, x1, y1 = edges
    wide, high, middle = (x1 - x0) / FINE, (y1 - y0) / FINE, (x0 + x1) / 2
    from_left, from_right = sample.beyond(middle)
    leans = -24 * covariance / (FINE * FINE) / (wide + high)
    return Piece(
        wide, high, TOP + y0 / FINE, TOP + y1 / FINE, area / (FINE * FINE), peak, leans, middle / FINE,
        from_left, from_right, edges,
    )  # fmt: skip
