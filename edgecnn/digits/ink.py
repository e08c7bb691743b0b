"""The ink of a crop alone, for classifiers that know nothing else.

A detector's crops come as the camera saw them. A classifier that was trained on such crops gets them so. One that was
trained on light ink on black, as MNIST is, gets the ink alone; the golden images of its card tell which it is.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from edgecnn.runtime.classifier import Classifier

INK_FROM, INK_TO = 0.15, 0.85  # of the strongest contrast in a crop: paper below, ink above
LEAST_CONTRAST = 30  # gray levels; a crop of nothing stays nothing


def wants_ink(classifier: Classifier) -> bool:
    """Tell whether a classifier knows light ink on black alone: the borders of its golden images are black."""
    return all(not np.median(_border(image[None])) for image in classifier.card.golden.images_nhwc)


def ink_alone(crops_mhwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn crops of ink on any paper, dark or light, into light ink on black: how far each pixel is from the paper."""
    values = crops_mhwc.astype(np.float32)
    paper_m = np.median(_border(crops_mhwc), axis=1).astype(np.float32)[:, None, None, None]
    contrast = np.abs(values - paper_m)
    strongest = np.maximum(contrast.max(axis=(1, 2, 3), keepdims=True), LEAST_CONTRAST)
    share = (contrast / strongest - INK_FROM) / (INK_TO - INK_FROM)
    result: NDArray[np.uint8] = (share.clip(0, 1) * 255 + 0.5).astype(np.uint8)
    return result


def _border(images_nhwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the outermost pixels of each image, (N, pixels)."""
    sides: Iterable[NDArray[np.uint8]] = (
        images_nhwc[:, 0], images_nhwc[:, -1], images_nhwc[:, 1:-1, 0], images_nhwc[:, 1:-1, -1],
    )  # fmt: skip
    return np.concatenate([side.reshape(len(images_nhwc), -1) for side in sides], axis=1)
