"""Connected ink in the samples of gaps, at several thresholds, all of a frame at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgecnn.digits.signs.gaps import TOP
from edgecnn.digits.signs.sample import FINE, ROWS, Floats, Places, Strip

LEVELS = (0.2, 0.26, 0.33, 0.42, 0.52, 0.64)  # thresholds
THIN = 0.35  # what is no higher and goes from side to side is a line
SMALLEST = 0.006  # the area of a piece


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


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Pieces side by side: the gap of each, the threshold that shows it, and what ``Piece`` has, by its names."""

    gap_p: Places
    level_p: Places
    figures: dict[str, NDArray[np.float64]]
    edges_p4: Places

    def of(self, which_p: NDArray[np.bool_]) -> dict[int, list[list[Piece]]]:
        """Return some of them for each gap that has any, and for each threshold."""
        found: dict[int, list[list[Piece]]] = {}
        arrays = [self.gap_p, self.level_p, self.edges_p4, *self.figures.values()]
        for gap, level, edges, *figures in zip(*(array[which_p].tolist() for array in arrays), strict=True):
            piece = Piece(**dict(zip(self.figures, figures, strict=True)), edges=tuple(edges))
            found.setdefault(gap, [[] for _ in LEVELS])[level].append(piece)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Runs:
    """Ink down a column without a break: where it begins in all samples at all thresholds as one row, its threshold and
    column, its first row and that after its last, and the piece that it belongs to, one of ``count``."""

    first_r: Places
    level_r: Places
    column_r: Places
    begin_r: Places
    end_r: Places
    piece_r: Places
    count: int

    def any(self, which_r: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Tell which pieces have such a run."""
        found_p = np.zeros(self.count, np.bool_)
        found_p[self.piece_r[which_r]] = True
        return found_p

    def of(self, pieces: Places) -> "_Runs":
        """Return the runs of some pieces alone, piece by piece."""
        place_p = np.full(self.count, -1)
        place_p[pieces] = np.arange(len(pieces))
        place_r = place_p[self.piece_r]
        order = np.flatnonzero(place_r >= 0)
        order = order[np.argsort(place_r[order], kind="stable")]
        first_r, level_r, column_r = self.first_r[order], self.level_r[order], self.column_r[order]
        return _Runs(first_r, level_r, column_r, self.begin_r[order], self.end_r[order], place_r[order], len(pieces))

    @property
    def head_p(self) -> Places:
        """The first run of each piece, where they are piece by piece."""
        return np.flatnonzero(np.diff(self.piece_r, prepend=-1))


def pieces_of(strip: Strip) -> Pieces:
    """Return the connected pieces at each threshold that are large enough, touch no border, and are no part of a line.

    A line goes beyond what is looked at above or below, or from side to side; it may break up at higher thresholds.
    """
    runs = _runs(strip.ink_cr)
    first_c, last_c = np.zeros((2, len(strip.ink_cr)), np.bool_)
    first_c[strip.first_n] = last_c[strip.first_n + strip.count_n - 1] = True
    left_p, right_p = runs.any(first_c[runs.column_r]), runs.any(last_c[runs.column_r])
    beyond_p = runs.any((runs.begin_r == 0) | (runs.end_r == ROWS))
    is_line_p = beyond_p.copy()
    across = np.flatnonzero(left_p & right_p)
    is_line_p[across] |= _height_of(runs.of(across)) <= THIN * FINE
    area_p = np.bincount(runs.piece_r, runs.end_r - runs.begin_r, runs.count)
    kept = np.flatnonzero(~(left_p | right_p | beyond_p) & (area_p / (FINE * FINE) >= SMALLEST))
    is_broken_p = _lie_in(is_line_p, runs, runs.of(kept), strip.ink_cr.size)
    return _described(strip, runs.of(kept[~is_broken_p]))


def _runs(ink_cr: Floats) -> _Runs:
    inked = (ink_cr >= np.array(LEVELS)[:, None, None]).ravel()
    edges = np.flatnonzero(inked[1:] != inked[:-1]) + 1
    first_r, after_r = edges[::2].copy(), edges[1::2].copy()
    column_r, begin_r = np.divmod(first_r, ROWS + 1)
    level_r, column_r = np.divmod(column_r, max(len(ink_cr), 1))
    return _Runs(first_r, level_r, column_r, begin_r, begin_r + after_r - first_r, *_joined(first_r, after_r))


def _joined(first_r: Places, after_r: Places) -> tuple[Places, int]:
    """Return the piece of each run, and how many there are: runs are of one that touch, also at corners."""
    low_r = np.searchsorted(after_r, first_r - (ROWS + 1), "left")  # the first one that it touches in the column before
    count_r = np.searchsorted(first_r, after_r - (ROWS + 1), "right") - low_r
    number_r = np.arange(len(first_r))
    root_r = _followed(np.where(count_r > 0, low_r, number_r))
    one = np.repeat(number_r, np.maximum(count_r - 1, 0))  # it touches others there as well
    other = low_r[one] + 1 + np.arange(len(one)) - np.searchsorted(one, one)
    one, other = root_r[one], root_r[other]
    least_r = number_r.copy()
    while not np.array_equal(least_r[one], least_r[other]):
        least = np.minimum(least_r[one], least_r[other])
        np.minimum.at(least_r, one, least)
        np.minimum.at(least_r, other, least)
        least_r = least_r[least_r]
    root_r = least_r[root_r]
    piece_r = np.cumsum(root_r == number_r) - 1
    return piece_r[root_r], int(piece_r[-1]) + 1 if len(piece_r) else 0


def _followed(before_r: Places) -> Places:
    """Return where each ends up that goes to the one before it, and on to the one before that."""
    while True:
        root_r = before_r[before_r]
        if np.array_equal(root_r, before_r):
            return root_r
        before_r = root_r


def _height_of(runs: _Runs) -> Places:
    head_p = runs.head_p
    height_p: Places = np.maximum.reduceat(runs.end_r, head_p) - np.minimum.reduceat(runs.begin_r, head_p)
    return height_p


def _lie_in(which_p: NDArray[np.bool_], runs: _Runs, some: _Runs, size: int) -> NDArray[np.bool_]:
    """Tell which of some pieces lie in one of these at a lower threshold, each of which has ``size`` samples."""
    head_p = some.head_p
    level_p, lower_l1 = some.level_r[head_p], np.arange(len(LEVELS))[:, None]
    same_lp = some.first_r[head_p] + (lower_l1 - level_p) * size
    around_lp = runs.piece_r[np.searchsorted(runs.first_r, same_lp, "right") - 1]
    found: NDArray[np.bool_] = np.any(which_p[around_lp] & (lower_l1 < level_p), axis=0)
    return found


def _described(strip: Strip, runs: _Runs) -> Pieces:
    """Return pieces with what is known of each; of runs that are piece by piece."""
    head_p = runs.head_p
    gap_p = np.searchsorted(strip.first_n, runs.column_r[head_p], "right") - 1
    x_r, area_r = runs.column_r - strip.first_n[gap_p[runs.piece_r]], runs.end_r - runs.begin_r
    sum_y_r = (runs.begin_r + runs.end_r - 1) * area_r // 2
    sums = (np.add.reduceat(values_r, head_p) for values_r in (area_r, x_r * area_r, sum_y_r, x_r * sum_y_r))
    area_p, along_p, down_p, both_p = sums
    x0, y0 = np.minimum.reduceat(x_r, head_p), np.minimum.reduceat(runs.begin_r, head_p)
    x1, y1 = np.maximum.reduceat(x_r + 1, head_p), np.maximum.reduceat(runs.end_r, head_p)
    first_r = runs.column_r * (ROWS + 1) + runs.begin_r
    between = np.column_stack([first_r, first_r + area_r]).ravel()
    peak_p = np.maximum.reduceat(np.maximum.reduceat(strip.ink_cr.ravel(), between)[::2], head_p)
    wide, high, middle = (x1 - x0) / FINE, (y1 - y0) / FINE, (x0 + x1) / 2
    from_left, from_right = strip.beyond(gap_p, middle)
    covariance = (both_p - along_p * down_p / area_p) / area_p
    figures = {
        "wide": wide, "high": high, "top": TOP + y0 / FINE, "bottom": TOP + y1 / FINE, "area": area_p / (FINE * FINE),
        "peak": peak_p, "leans": -24 * covariance / (FINE * FINE) / (wide + high), "middle": middle / FINE,
        "from_left": from_left, "from_right": from_right,
    }  # fmt: skip
    return Pieces(gap_p, runs.level_r[head_p], figures, np.column_stack([x0, y0, x1, y1]))
