"""int8-static-full: the static form with weights of eight bits, for processors that do not saturate. It is made when it
is asked for, and never by itself.
"""

import numpy as np
from numpy.typing import NDArray

from edgecnn.quantize.forms import Parent, _quantizer

NAME = "int8-static-full"
AUTOMATIC = False
CALIBRATED = True
BATCH_DEPENDENT = False
SEARCHED = False


def unfit(parent: Parent) -> None:
    """Every model has convolutions or dense layers."""


def build(parent: Parent, images_nhwc: NDArray[np.uint8]) -> bytes:
    """Range activations by the images, with weights of eight bits."""
    return _quantizer.static(parent, images_nhwc, reduce_range=False)
