"""Gaps between digits as ink: 0 is the paper around them, 1 their own ink, whichever is lighter.

All gaps of a frame are sampled at once, side by side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecnn.digits.signs.gaps import TOP, Gap
from edgecnn.digits.signs.gray import Gray, parts, reduced
from edgecnn.digits.signs.mark import Box

FINE = 24  # samples per height
ROWS = 42  # of them from TOP to LOW
FEWEST, MOST = 3, 60  # of them across
CORE = 0.35  # of a digit's width: ink that reaches so far into its box is the digit's
LEAST_CONTRAST = 12.0  # gray levels between ink and paper
AROUND = 0.08  # where the paper is looked at, outside a digit's box
GRID, SIDE = 16, 12  # samples along each side of a box, and of the paper around it
DARKEST = 0.06  # of the samples of a box are ink at least
SECOND_DIFFERENCE = 1.652  # the median of second differences of noise of deviation 1

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A gap as ink between 0 and 1, rows and columns FINE to a height, from ``start`` in pixels of the frame on."""

    gap: Gap
    ink_rc: Floats
    start: float

    @property
    def step(self) -> float:
        """Pixels per column."""
        return self.gap.height / FINE

    def box(self, edges: tuple[int, int, int, int]) -> Box:
        """Return columns and rows, first and after the last, as a box of the frame."""
        x0, y0, x1, y1 = edges
        top, bottom = _line(self.gap.left, self.gap.right, self.start + (x0 + x1) / 2 * self.step)
        high = bottom - top
        x, y = self.start + x0 * self.step, top + high * (TOP + y0 / FINE)
        return x, y, (x1 - x0) * self.step, high * (y1 - y0) / FINE


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """Samples of gaps side by side: their columns one after another, each from the top down.

    Before the first column of each, and below each column, there is one sample of no ink at all.
    """

    gaps: list[Gap]
    left_4n: Floats
    right_4n: Floats
    start_n: Floats
    count_n: Places
    first_n: Places
    ink_cr: Floats

    @classmethod
    def empty(cls, gaps: list[Gap], left_4n: Floats, right_4n: Floats, start_n: Floats, count_n: Places) -> "Strip":
        """Return a strip for so many columns, from ``start_n`` on, in which there is no ink yet."""
        ink_cr = np.full((int(count_n.sum()) + len(gaps), ROWS + 1), -np.inf)
        return cls(gaps, left_4n, right_4n, start_n, count_n, np.cumsum(count_n + 1) - count_n, ink_cr)

    @property
    def height_n(self) -> Floats:
        """The mean height of the digits beside each gap."""
        height_n: Floats = (self.left_4n[3] + self.right_4n[3]) / 2
        return height_n

    def beyond(self, gap_p: Places, column_p: Floats) -> tuple[Floats, Floats]:
        """Return how far columns of gaps are from the left digit's box and from the right one's, in heights."""
        height_p, left_4p, right_4p = self.height_n[gap_p], self.left_4n[:, gap_p], self.right_4n[:, gap_p]
        x_p = self.start_n[gap_p] + column_p * (height_p / FINE)
        return (x_p - left_4p[0] - left_4p[2]) / height_p, (x_p - right_4p[0]) / height_p

    def sample(self, index: int) -> Sample:
        """Return one gap by itself."""
        first = self.first_n[index]
        ink_rc = self.ink_cr[first : first + self.count_n[index], :ROWS].T
        return Sample(self.gaps[index], ink_rc, float(self.start_n[index]))

    def fill(self, gray: Gray, own: Places, levels_4n: Floats) -> None:
        """Sample the gaps ``own``, whose paper and contrast at either digit are given."""
        gap_c, column_c = side_by_side(self.count_n[own])
        gap_c = own[gap_c]
        x_c = self.start_n[gap_c] + (column_c + 0.5) * (self.height_n / FINE)[gap_c]
        left_4c, right_4c = self.left_4n[:, gap_c], self.right_4n[:, gap_c]
        top_c, bottom_c = _line(left_4c, right_4c, x_c)
        middle_c = left_4c[0] + left_4c[2] / 2
        share_c = np.clip((x_c - middle_c) / (right_4c[0] + right_4c[2] / 2 - middle_c), 0, 1)
        paper_c, contrast_c, right_paper_c, right_contrast_c = levels_4n[:, gap_c]
        paper_c, contrast_c = (
            paper_c + (right_paper_c - paper_c) * share_c,
            contrast_c + (right_contrast_c - contrast_c) * share_c,
        )
        place_c, down_r = self.first_n[gap_c] + column_c, TOP + (np.arange(ROWS) + 0.5) / FINE
        for part in parts(len(gap_c), ROWS):
            y_cr = top_c[part, None] + (bottom_c - top_c)[part, None] * down_r
            levels_cr = gray.interpolated(x_c[part, None], y_cr)
            self.ink_cr[place_c[part], :ROWS] = (levels_cr - paper_c[part, None]) / contrast_c[part, None]


def side_by_side(count_n: Places) -> tuple[Places, Places]:
    """Return for as many columns of each as this, one after another, whose each is, and which of its columns."""
    owner_c = np.repeat(np.arange(len(count_n)), count_n)
    return owner_c, np.arange(len(owner_c)) - (np.cumsum(count_n) - count_n)[owner_c]


def _line(left: Any, right: Any, x: Any) -> Any:
    """Return where tops and bottoms of digits are at ``x``, on the lines through those of two boxes."""
    middle = left[0] + left[2] / 2
    share = (x - middle) / (right[0] + right[2] / 2 - middle)
    top = left[1] + (right[1] - left[1]) * share
    return top, top + left[3] + (right[3] - left[3]) * share


def sampled(gray_hw: NDArray[np.uint8], gaps: Sequence[Gap]) -> Strip:
    """Return the gaps between digits of one ink."""
    scale_n = np.array([scale_of(gap.height) for gap in gaps], np.int64)
    left_4n, right_4n = (_sides(boxes) for boxes in ([gap.left for gap in gaps], [gap.right for gap in gaps]))
    levels_4n = np.zeros((4, len(gaps)))
    grays = [reduced(gray_hw, scale) for scale in sorted(set(scale_n.tolist()))]
    for gray in grays:
        own = np.flatnonzero(scale_n == gray.scale)
        levels_4n[:, own] = _levels_beside(gray, [gaps[index] for index in own.tolist()])
    _, contrast_n, _, right_contrast_n = levels_4n
    start_n = left_4n[0] + left_4n[2] * (1 - CORE)
    count_n = np.ceil((right_4n[0] + right_4n[2] * CORE - start_n) / ((left_4n[3] + right_4n[3]) / 2) * FINE)
    is_clear_n = np.minimum(np.abs(contrast_n), np.abs(right_contrast_n)) >= LEAST_CONTRAST
    is_clear_n &= (contrast_n * right_contrast_n > 0) & (count_n >= FEWEST) & (count_n <= MOST)
    kept = np.flatnonzero(is_clear_n)
    counts = count_n[kept].astype(np.int64)
    strip = Strip.empty(
        [gaps[index] for index in kept.tolist()], left_4n[:, kept], right_4n[:, kept], start_n[kept], counts
    )
    for gray in grays:
        strip.fill(gray, np.flatnonzero(scale_n[kept] == gray.scale), levels_4n[:, kept])
    return strip


def scale_of(height: float) -> int:
    """Return how many pixels a side are averaged first: a power of two that leaves a digit as high as it is sampled."""
    scale = 1
    while height / scale >= 2 * FINE:
        scale *= 2
    return scale


def _sides(boxes: Sequence[Box]) -> Floats:
    """Return x, y, widths and heights of boxes, (4, N)."""
    return np.array(boxes, np.float64).reshape(-1, 4).T.copy()


def _levels_beside(gray: Gray, gaps: Sequence[Gap]) -> Floats:
    """Return (4, N), paper and contrast at the left digits and at the right ones; where none is left, at the right."""
    beside = [(gap.right if gap.open else gap.left, gap.right) for gap in gaps]
    boxes = list(dict.fromkeys(box for pair in beside for box in pair))
    place = {box: index for index, box in enumerate(boxes)}
    levels_n2 = levels_of(gray, np.array(boxes))
    left, right = (levels_n2[[place[pair[side]] for pair in beside]] for side in (0, 1))
    return np.concatenate([left.T, right.T])


def levels_of(gray: Gray, boxes_n4: Floats) -> Floats:
    """Return (N, 2), the gray level of the paper around each digit, and how far its ink is from that."""
    x, y, width, height = (boxes_n4[:, side, None] for side in range(4))
    away = AROUND * height
    along = (np.arange(GRID) + 0.5) / GRID
    inside = gray.nearest((x + width * along)[:, None], (y + height * along)[:, :, None])
    inside = np.sort(inside.reshape(len(boxes_n4), -1), axis=1)
    along = (np.arange(SIDE) + 0.5) / SIDE
    across, down = x + width * along, y + height * along
    left, right = (np.broadcast_to(side, across.shape) for side in (x - away, x + width + away))
    top, low = (np.broadcast_to(side, down.shape) for side in (y - away, y + height + away))
    x_nk, y_nk = np.hstack([across, across, left, right]), np.hstack([top, low, down, down])
    paper = np.sort(gray.nearest(x_nk, y_nk), axis=1)[:, 2 * SIDE]
    few = int(DARKEST * inside.shape[1])
    dark, light = inside[:, few], inside[:, inside.shape[1] - 1 - few]
    return np.column_stack([paper, np.where(paper - dark > light - paper, dark - paper, light - paper)])


def noise(ink_rc: Floats) -> float:
    """Estimate the deviation of the noise: the median of second differences, which edges hardly move."""
    second = np.abs(ink_rc[:-2] - 2 * ink_rc[1:-1] + ink_rc[2:]).ravel()
    return float(np.partition(second, second.size // 2)[second.size // 2]) / SECOND_DIFFERENCE
