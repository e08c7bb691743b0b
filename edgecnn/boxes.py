"""Boxes as x, y, width, height, all in one unit, and the square that is cut out around one."""

import numpy as np
from numpy.typing import NDArray

MULTIPLE = 16  # pixels: sides of images that boxes are learned from are multiples of it
CROP_SIDE = 28  # pixels
CROP_MARGIN = 1.3  # side of the square by the box's longer side


def shared(a_n4: NDArray[np.float32], b_m4: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the area (N, M) that every box has in common with every other."""
    result: NDArray[np.float32] = _common(a_n4[:, 0::2], b_m4[:, 0::2])
    result *= _common(a_n4[:, 1::2], b_m4[:, 1::2])
    return result


def _common(a_n2: NDArray[np.float32], b_m2: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the length (N, M) that every range, from where and how long, has in common with every other."""
    after_n1, after_m = a_n2.sum(axis=1, keepdims=True), b_m2.sum(axis=1)
    result: NDArray[np.float32] = np.minimum(after_n1, after_m) - np.maximum(a_n2[:, :1], b_m2[:, 0])
    return np.maximum(result, 0, out=result)


def shares_within(a_n4: NDArray[np.float32], b_m4: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how much of every box, 0..1, lies in each of others, (N, M)."""
    result: NDArray[np.float32] = shared(a_n4, b_m4) / a_n4[:, None, 2:].prod(-1).clip(1e-6)
    return result


def overlaps(a_n4: NDArray[np.float32], b_m4: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return intersection over union (N, M), 0..1, of every box with every other."""
    common_nm = shared(a_n4, b_m4)
    areas_n1, areas_1m = a_n4[:, None, 2:].prod(-1), b_m4[None, :, 2:].prod(-1)
    result: NDArray[np.float32] = common_nm / (areas_n1 + areas_1m - common_nm).clip(1e-6)
    return result
