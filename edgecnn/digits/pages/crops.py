"""What a detector hands to the classifier: the square around a box, averaged to 28x28 as RoiAlign does it.

The rule of ONNX's operator with ``mode=avg``, ``sampling_ratio=0``, ``half_pixel`` (He et al. 2017, "Mask R-CNN"):
each of the 28x28 cells is the mean of as many bilinear samples per side as it is pixels wide, rounded up. A sample more
than one pixel outside counts as 0, a nearer one as the border. Since both axes are sampled alike, a crop is two small
matrices around the picture.
"""

import math

import numpy as np
from numpy.typing import NDArray

from edgecnn.boxes import CROP_MARGIN, CROP_SIDE


def squares(boxes_k4: NDArray[np.float32], margin: float | NDArray[np.float32] = CROP_MARGIN) -> NDArray[np.float32]:
    """Return the squares (K, 3): left, top, side, around boxes (K, 4): x, y, width, height, all in pixels."""
    side = boxes_k4[:, 2:].max(1) * margin
    corner = boxes_k4[:, :2] + (boxes_k4[:, 2:] - side[:, None]) / 2
    return np.column_stack([corner, side]).astype(np.float32)


def around(boxes_k4: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the square around each box as a box (K, 4): what is cut out beside narrow boxes is much the same."""
    found = squares(boxes_k4, 1.0)
    return np.column_stack([found, found[:, 2]])


def crop(image_hw: NDArray[np.uint8], square: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Cut one square (left, top, side) from a gray picture as uint8 (28, 28)."""
    left, top, side = (float(value) for value in square)
    rows, first_row = _weights(top, side, image_hw.shape[0])
    columns, first_column = _weights(left, side, image_hw.shape[1])
    area = image_hw[first_row : first_row + rows.shape[1], first_column : first_column + columns.shape[1]]
    cells = rows @ area.astype(np.float32) @ columns.T
    result: NDArray[np.uint8] = np.rint(cells).clip(0, 255).astype(np.uint8)
    return result


def _weights(start: float, side: float, pixels: int) -> tuple[NDArray[np.float32], int]:
    """Return how much each pixel counts in each cell along one axis, (28, P), and the first of the P pixels."""
    samples = max(math.ceil(side / CROP_SIDE), 1)
    at = start - 0.5 + (np.arange(CROP_SIDE * samples) + 0.5) * side / (CROP_SIDE * samples)
    counted = ((at >= -1) & (at <= pixels)) / samples
    at = at.clip(0, pixels - 1)
    low = np.minimum(at.astype(np.int64), max(pixels - 2, 0))
    first, count = int(low[0]), int(low[-1] - low[0]) + 2
    weights = np.zeros((CROP_SIDE, count), np.float32)
    cell, share = np.repeat(np.arange(CROP_SIDE), samples), at - low
    np.add.at(weights, (cell, low - first), counted * (1 - share))
    np.add.at(weights, (cell, low - first + 1), counted * share)
    return weights[:, : pixels - first], first
