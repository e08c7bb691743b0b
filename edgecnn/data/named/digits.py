"""Handwritten digits that come with scikit-learn, 1,438 + 359, brought to 28x28 gray: the default, needs no network.

The 8x8 originals (Alpaydin and Kaynak 1998, UCI, CC BY 4.0) are scaled to 20x20 in the middle of 28x28, where MNIST has
its digits, bright on dark as there.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn.data.npz import Arrays, held_out
from edgecnn.data.split import Split
from edgecnn.errors import missing_package
from edgecnn.runtime.image import resize

LICENSE = "CC BY 4.0 (UCI); cite Alpaydin and Kaynak 1998"
FOLDER = "digits"
LABELS_KEY = "labels"
NAMES = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
BRIGHTEST = 16


def fetch(root: Path, split: str) -> dict[str, Arrays]:
    """Return both splits; a stratified fifth, always the same, is the test split."""
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError:
        raise missing_package("sklearn") from None
    found = load_digits()
    images = np.stack([_like_mnist(image_hw) for image_hw in found.images])
    whole = Split(images[..., None], found.target.astype(np.int64), NAMES)
    return {
        "train": _arrays(held_out(whole, "train", FOLDER)),
        "test": _arrays(held_out(whole, "test", FOLDER)),
    }


def _like_mnist(image_hw: NDArray[np.float64]) -> NDArray[np.uint8]:
    pixels = np.floor(image_hw * 255 / BRIGHTEST + 0.5).astype(np.uint8)
    return np.pad(resize(pixels[..., None], 20, 20)[..., 0], 4)


def _arrays(split: Split) -> Arrays:
    labels = split.labels_n.astype(np.uint8)
    return {"images": split.images_nhwc[..., 0], "labels": labels, "label_names": np.array(NAMES)}
