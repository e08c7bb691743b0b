"""A gap between digits as ink: 0 is the paper around them, 1 their own ink, whichever is lighter."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecnn.digits.signs.gaps import TOP, Gap
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

Levels = Sequence[float]  # of the paper, and how far the ink is from that


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A gap as ink between 0 and 1, rows and columns FINE to a height, from ``start`` in pixels of the frame on."""

    gap: Gap
    ink_rc: NDArray[np.float64]
    start: float

    @property
    def step(self) -> float:
        """Pixels per column."""
        return self.gap.height / FINE

    def beyond(self, column: float) -> tuple[float, float]:
        """Return how far a column is from the left digit's box and from the right one's, in heights."""
        left, right = self.gap.left, self.gap.right
        x = self.start + column * self.step
        return (x - left[0] - left[2]) / self.gap.height, (x - right[0]) / self.gap.height

    def box(self, edges: tuple[int, int, int, int]) -> Box:
        """Return columns and rows, first and after the last, as a box of the frame."""
        x0, y0, x1, y1 = edges
        top, bottom = _line(self.gap, self.start + (x0 + x1) / 2 * self.step)
        high = bottom - top
        x, y = self.start + x0 * self.step, top + high * (TOP + y0 / FINE)
        return x, y, (x1 - x0) * self.step, high * (y1 - y0) / FINE


def _line(gap: Gap, x: Any) -> Any:
    """Return where tops and bottoms of digits are at ``x``, on the lines through those of both digits."""
    left, right = gap.left, gap.right
    middle = left[0] + left[2] / 2
    share = (x - middle) / (right[0] + right[2] / 2 - middle)
    top = left[1] + (right[1] - left[1]) * share
    return top, top + left[3] + (right[3] - left[3]) * share


def sampled(gray_hw: NDArray[np.uint8], gaps: Sequence[Gap]) -> Iterator[Sample]:
    """Yield the gaps between digits of one ink."""
    scales = [scale_of(gap.height) for gap in gaps]
    pyramid = {scale: reduced(gray_hw, scale) for scale in set(scales)}
    levels: dict[int, dict[Box, Levels]] = {}
    for scale, image_hw in pyramid.items():
        own = [gap for gap, its in zip(gaps, scales, strict=True) if its == scale]
        boxes = list({box: None for gap in own for box in ((gap.right,) if gap.open else (gap.left, gap.right))})
        levels[scale] = dict(zip(boxes, levels_of(image_hw, scale, np.array(boxes)).tolist(), strict=True))
    for gap, scale in zip(gaps, scales, strict=True):
        left, right = levels[scale][gap.right if gap.open else gap.left], levels[scale][gap.right]
        sample = _sample(pyramid[scale], scale, gap, left, right)
        if sample is not None:
            yield sample


def scale_of(height: float) -> int:
    """Return how many pixels a side are averaged first: a power of two that leaves a digit as high as it is sampled."""
    scale = 1
    while height / scale >= 2 * FINE:
        scale *= 2
    return scale


def reduced(gray_hw: NDArray[np.uint8], scale: int) -> NDArray[np.float64]:
    """Return means of ``scale`` x ``scale`` pixels."""
    if scale == 1:
        return gray_hw.astype(np.float64)
    high, wide = (max(side // scale, 1) for side in gray_hw.shape)
    cut_hw = gray_hw[: high * scale, : wide * scale]
    sums_hw = cut_hw.reshape(high, cut_hw.shape[0] // high, wide, -1).sum(axis=(1, 3), dtype=np.uint32)
    means_hw: NDArray[np.float64] = sums_hw / (cut_hw.size // sums_hw.size)
    return means_hw


def _sample(
    image_hw: NDArray[np.float64], scale: int, gap: Gap, left_levels: Levels, right_levels: Levels
) -> Sample | None:
    left, right, height = gap.left, gap.right, gap.height
    (paper, contrast), (right_paper, right_contrast) = left_levels, right_levels
    if contrast * right_contrast <= 0 or min(abs(contrast), abs(right_contrast)) < LEAST_CONTRAST:
        return None
    start = left[0] + left[2] * (1 - CORE)
    count = int(np.ceil((right[0] + right[2] * CORE - start) / height * FINE))
    if not FEWEST <= count <= MOST:
        return None
    x_c = start + (np.arange(count, dtype=np.float64) + 0.5) * (height / FINE)
    top_c, bottom_c = _line(gap, x_c)
    y_rc = top_c + (bottom_c - top_c) * (TOP + (np.arange(ROWS)[:, None] + 0.5) / FINE)
    middle = left[0] + left[2] / 2
    share_c = _within((x_c - middle) / (right[0] + right[2] / 2 - middle), 1)
    levels_rc = interpolated(image_hw, scale, x_c, y_rc)
    paper_c, contrast_c = paper + (right_paper - paper) * share_c, contrast + (right_contrast - contrast) * share_c
    return Sample(gap, (levels_rc - paper_c) / contrast_c, start)


def levels_of(image_hw: NDArray[np.float64], scale: int, boxes_n4: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N, 2), the gray level of the paper around each digit, and how far its ink is from that."""
    x, y, width, height = (boxes_n4[:, side, None] for side in range(4))
    away = AROUND * height
    along = (np.arange(GRID) + 0.5) / GRID
    inside = _nearest(image_hw, scale, (x + width * along)[:, None], (y + height * along)[:, :, None])
    inside = np.sort(inside.reshape(len(boxes_n4), -1), axis=1)
    along = (np.arange(SIDE) + 0.5) / SIDE
    across, down = x + width * along, y + height * along
    left, right = (np.broadcast_to(side, across.shape) for side in (x - away, x + width + away))
    top, low = (np.broadcast_to(side, down.shape) for side in (y - away, y + height + away))
    x_nk, y_nk = np.hstack([across, across, left, right]), np.hstack([top, low, down, down])
    paper = np.sort(_nearest(image_hw, scale, x_nk, y_nk), axis=1)[:, 2 * SIDE]
    few = int(DARKEST * inside.shape[1])
    dark, light = inside[:, few], inside[:, inside.shape[1] - 1 - few]
    return np.column_stack([paper, np.where(paper - dark > light - paper, dark - paper, light - paper)])


def _within(values: NDArray[Any], most: float) -> NDArray[Any]:
    """Return values no less than 0 and no more than ``most``; np.clip takes several times as long for so few."""
    limited: NDArray[Any] = np.minimum(np.maximum(values, 0), most)
    return limited


def _nearest(image_hw: NDArray[np.float64], scale: int, x: Any, y: Any) -> NDArray[np.float64]:
    column = _within(np.floor(x / scale), image_hw.shape[1] - 1).astype(np.int64)
    row = _within(np.floor(y / scale), image_hw.shape[0] - 1).astype(np.int64)
    found: NDArray[np.float64] = image_hw[row, column]
    return found


def interpolated(
    image_hw: NDArray[np.float64], scale: int, x_c: NDArray[Any], y_rc: NDArray[Any]
) -> NDArray[np.float64]:
    """Return an image bilinearly interpolated; beyond its border it goes on as it ends."""
    high, wide = image_hw.shape
    x_c, y_rc = _within(x_c / scale - 0.5, wide - 1), _within(y_rc / scale - 0.5, high - 1)
    column_c, row_rc = x_c.astype(np.int64), y_rc.astype(np.int64)
    next_c, next_rc = np.minimum(column_c + 1, wide - 1), np.minimum(row_rc + 1, high - 1)
    x_c, y_rc = x_c - column_c, y_rc - row_rc
    upper = image_hw[row_rc, column_c] * (1 - x_c) + image_hw[row_rc, next_c] * x_c
    lower = image_hw[next_rc, column_c] * (1 - x_c) + image_hw[next_rc, next_c] * x_c
    found: NDArray[np.float64] = upper * (1 - y_rc) + lower * y_rc
    return found


def noise(ink_rc: NDArray[np.float64]) -> float:
    """Estimate the deviation of the noise: the median of second differences, which edges hardly move."""
    second = np.sort(np.abs(ink_rc[:-2] - 2 * ink_rc[1:-1] + ink_rc[2:]).ravel())
    return float(second[second.size // 2]) / SECOND_DIFFERENCE
