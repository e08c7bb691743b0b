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
    pyramid: dict[int, NDArray[np.float64]] = {}
    for gap in gaps:
        scale = scale_of(gap.height)
        if scale not in pyramid:
            pyramid[scale] = reduced(gray_hw, scale)
        sample = _sample(pyramid[scale], scale, gap)
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


def _sample(image_hw: NDArray[np.float64], scale: int, gap: Gap) -> Sample | None:
    left, right, height = gap.left, gap.right, gap.height
    right_paper, right_contrast = levels_of(image_hw, scale, right)
    paper, contrast = (right_paper, right_contrast) if gap.open else levels_of(image_hw, scale, left)
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


def levels_of(image_hw: NDArray[np.float64], scale: int, box: Box) -> tuple[float, float]:
    """Return the gray level of the paper around a digit, and how far its ink is from that."""
    x, y, width, height = box
    away = AROUND * height
    along = (np.arange(GRID) + 0.5) / GRID
    inside = np.sort(_nearest(image_hw, scale, x + width * along, (y + height * along)[:, None]).ravel())
    along = (np.arange(SIDE) + 0.5) / SIDE
    across, down = x + width * along, y + height * along
    around = [
        _nearest(image_hw, scale, x_n, y_n)
        for x_n, y_n in (
            (across, np.full(SIDE, y - away)), (across, np.full(SIDE, y + height + away)),
            (np.full(SIDE, x - away), down), (np.full(SIDE, x + width + away), down),
        )
    ]  # fmt: skip
    paper = float(np.sort(np.concatenate(around))[2 * SIDE])
    dark = float(inside[int(DARKEST * inside.size)])
    light = float(inside[inside.size - 1 - int(DARKEST * inside.size)])
    return paper, dark - paper if paper - dark > light - paper else light - paper


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
