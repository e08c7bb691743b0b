"""Parts of a digit that were detected beside the whole, and the same digit detected twice: the stem of a 9 is no 1."""

import numpy as np
from numpy.typing import NDArray

from edgecnn.boxes import shared
from edgecnn.digits.looks import WELL_SEEN

INSIDE = 0.8  # of a box


def parts(
    boxes_m4: NDArray[np.float32],
    confidence_m: NDArray[np.float32],
    labels_m: NDArray[np.int64],
    scale_m: NDArray[np.float32],
) -> NDArray[np.bool_]:
    """Tell which boxes, x, y, width, height, lie inside a more confident one, or around one of the same label.

    ``confidence_m`` is 0 for what is no digit, ``scale_m`` how many pixels were one where it was seen: inside a digit
    that was seen well, what only a closer look shows is a part of it, however confident.
    """
    common_mm, area_m = shared(boxes_m4, boxes_m4), boxes_m4[:, 2:].prod(axis=1)
    within_mm = common_mm >= INSIDE * area_m  # the second in the first
    around_mm = (common_mm >= INSIDE * area_m[:, None]) & (labels_m[:, None] == labels_m)
    well_m = (confidence_m > 0) & (boxes_m4[:, 3] >= WELL_SEEN * scale_m)
    closer_mm = within_mm & well_m[:, None] & (scale_m[:, None] > scale_m)
    result: NDArray[np.bool_] = (
        closer_mm | ((within_mm | around_mm) & (confidence_m[:, None] > confidence_m) & ~closer_mm.T)
    ).any(axis=0)
    return result
