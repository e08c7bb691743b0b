"""Parts of a digit that were found beside the whole: the stem of a 9 is no 1."""

import numpy as np
from numpy.typing import NDArray

INSIDE = 0.8  # of a box


def parts(boxes_m4: NDArray[np.float32], sure_m: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which boxes, x, y, width, height, lie inside another that is surer; ``sure_m`` is 0 for what is no digit."""
    low_m2, high_m2 = boxes_m4[:, :2], boxes_m4[:, :2] + boxes_m4[:, 2:]
    common_mm2 = np.minimum(high_m2[:, None], high_m2) - np.maximum(low_m2[:, None], low_m2)
    inside_mm = common_mm2.clip(0).prod(axis=2) >= INSIDE * boxes_m4[:, 2:].prod(axis=1)
    result: NDArray[np.bool_] = (inside_mm & (sure_m[:, None] > sure_m)).any(axis=0)
    return result
