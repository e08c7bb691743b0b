"""What a training learns from, as a task prepares it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import DatasetRecord, ImageInput
from edgecnn.data.streamed import Streamed
from edgecnn.data.survey import Survey


@dataclass(frozen=True)
class Examples:
    """Images with what is to be learned of each, one row of ``targets`` for each image: of a classifier the class,
    int64 (N,); where boxes are learned float32 (N, B, 5): x, y, width, height in pixels and what each is around.
    ``images`` are uint8 (N, H, W, C), or stay in their files."""

    images: NDArray[np.uint8] | Streamed
    targets: NDArray[np.int64] | NDArray[np.float32]
    labels: tuple[str, ...]
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    @property
    def images_nhwc(self) -> NDArray[np.uint8]:
        """All images at once, uint8 (N, H, W, C)."""
        return self.first(len(self))

    def first(self, count: int) -> NDArray[np.uint8]:
        """Return the first images, uint8 (N, H, W, C)."""
        if isinstance(self.images, Streamed):
            return self.images.read(np.arange(min(count, len(self))))
        return self.images[:count]

    def at(self, places: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the images at these places, in that order, uint8 (N, H, W, C)."""
        return self.images.read(places) if isinstance(self.images, Streamed) else self.images[places]

    def chunks(self) -> Iterator[NDArray[np.uint8]]:
        """Yield all images in their order, uint8 (N, H, W, C): at once, or those in files some at a time."""
        if isinstance(self.images, Streamed):
            yield from self.images.chunks()
        else:
            yield self.images

    @property
    def content(self) -> NDArray[np.uint8]:
        """What tells whether images are the same: all pixels, or of those in files their digests."""
        return self.images.digests_nb if isinstance(self.images, Streamed) else self.images


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
        return ImageInput(*self.train.images.shape[1:])
