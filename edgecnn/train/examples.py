"""What a training learns from, as a task prepares it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import DatasetRecord, ImageInput
from edgecnn.data.survey import Survey


@dataclass(frozen=True)
class Examples:
    """Images with what is to be learned of each, one row of ``targets`` for each image: of a classifier the class,
    int64 (N,); where boxes are learned float32 (N, B, 5): x, y, width, height in pixels and what each is around."""

    images_nhwc: NDArray[np.uint8]
    targets: NDArray[np.int64] | NDArray[np.float32]
    labels: tuple[str, ...]
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images_nhwc)


@dataclass(frozen=True)
class Prepared:
    """The data of one training. Both splits carry the same labels. ``golden_nhwc`` are a few validation images that a
    checkpoint carries. ``survey`` is of a data set of one's own."""

    train: Examples
    validation: Examples
    record: DatasetRecord
    golden_nhwc: NDArray[np.uint8]
    survey: Survey | None = None

    @property
    def shape(self) -> ImageInput:
        """The size and color of the images."""
        return ImageInput(*self.train.images_nhwc.shape[1:])
