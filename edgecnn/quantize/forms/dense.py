"""int8-dense: dense layers alone, int8 weights of seven bits, activations ranged as they come."""

import numpy as np
from numpy.typing import NDArray

from edgecnn.quantize.forms import Parent, _quantizer

NAME = "int8-dense"
AUTOMATIC = True
CALIBRATED = False
BATCH_DEPENDENT = True
SEARCHED = False


def unfit(parent: Parent) -> str | None:
    """A model without dense layers has no such form."""
    found = any(node.op_type in _quantizer.DENSE_OPERATORS for node in parent.nodes)
    return None if found else "has no dense layer to quantize"


def build(parent: Parent, images_nhwc: NDArray[np.uint8]) -> bytes:
    """Quantize the weights; activations need no images."""
    return _quantizer.dynamic(parent)
