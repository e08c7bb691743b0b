"""int8-mixed: the static form with the layers whose integers cost the most in float32, as few as bring the drop within
what is allowed. It is tried where the static form itself drops too far.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import Mixture
from edgecnn.quantize.forms import Parent, _quantizer

if TYPE_CHECKING:
    from edgecnn.quantize.trial import Trial

NAME = "int8-mixed"
AUTOMATIC = True
CALIBRATED = True
BATCH_DEPENDENT = False
SEARCHED = True


def unfit(parent: Parent) -> None:
    """Every model has convolutions or dense layers."""


def build(parent: Parent, images_nhwc: NDArray[np.uint8]) -> bytes:
    """Make what the search begins with: the static form."""
    return _quantizer.static(parent, images_nhwc, reduce_range=True)


def search(parent: Parent, images_nhwc: NDArray[np.uint8], trial: "Trial") -> tuple[bytes, Mixture]:
    """Leave one layer after the other in float until the drop is within what is allowed. Raises FormError."""
    from edgecnn.quantize import mixing

    return mixing.search(parent, images_nhwc, trial)
