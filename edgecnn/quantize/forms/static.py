"""int8-static, QDQ: convolutions and dense layers with int8 weights (a scale for each channel) and uint8 activations,
whose ranges come from training images. Unsigned activations are what x86 kernels are made for. Preprocessing, softmax
and the last dense layer stay float32, so logits keep their resolution; of a pyramid all but the convolutions of its
pyramid. Weights have seven bits, so that no sum saturates on any processor.
"""

import numpy as np
from numpy.typing import NDArray

from edgecnn.quantize.forms import Parent, _quantizer

NAME = "int8-static"
AUTOMATIC = True
CALIBRATED = True
BATCH_DEPENDENT = False
SEARCHED = False


def unfit(parent: Parent) -> None:
    """Every model has convolutions or dense layers."""


def build(parent: Parent, images_nhwc: NDArray[np.uint8]) -> bytes:
    """Range activations by the images, with weights of seven bits."""
    return _quantizer.static(parent, images_nhwc, reduce_range=True)
