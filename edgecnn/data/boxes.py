"""Images with boxes around the things on them: to be trained on, and to be measured on."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

NOTHING, THING, IGNORED = 0.0, 1.0, 2.0  # what a box is around; what no one could tell is to be ignored
RIGHT, EXCUSED = 0.5, 0.3  # intersection over union of a box that was answered with a thing, with what is to be ignored


@dataclass(frozen=True, eq=False)
class Boxes:
    """N images with up to B boxes on each: ``boxes_nb4`` is x, y, width, height in pixels, ``what_nb`` is NOTHING where
    an image has fewer. ``labels`` are the names of the things, ``skipped`` pictures that could not be read, ``files``
    those that the images come from, one for each, or nothing."""

    images_nhwc: NDArray[np.uint8]
    boxes_nb4: NDArray[np.float32]
    what_nb: NDArray[np.float32]
    labels: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images_nhwc)

    @property
    def things(self) -> int:
        """How many boxes are around things that are to be detected."""
        return int((self.what_nb == THING).sum())

    def take(self, indices: NDArray[np.int64]) -> "Boxes":
        """Return the images at ``indices``, in that order."""
        return replace(
            self,
            images_nhwc=self.images_nhwc[indices],
            boxes_nb4=self.boxes_nb4[indices],
            what_nb=self.what_nb[indices],
            files=tuple(self.files[index] for index in indices) if self.files else (),
        )

    def targets_nb5(self) -> NDArray[np.float32]:
        """Return boxes with what they are around (N, B, 5), those of each image first, without columns of nothing."""
        most = max(int((self.what_nb != NOTHING).sum(1).max()), 1)
        order = np.argsort(self.what_nb == NOTHING, axis=1, kind="stable")[:, :most]
        together = np.concatenate((self.boxes_nb4, self.what_nb[..., None]), axis=2)
        result: NDArray[np.float32] = np.take_along_axis(together, order[..., None], axis=1)
        return result
