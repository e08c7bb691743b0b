"""A detector as what is timed."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgecnn import contender
from edgecnn.contender import Contender
from edgecnn.errors import CheckpointError
from edgecnn.runtime.detector import Detector
from edgecnn.runtime.model import Model

if TYPE_CHECKING:
    from edgecnn.checkpoint import Checkpoint

FRAME = (480, 640)  # height and width of what a detector is timed on: a camera's usual frame


@dataclass(frozen=True)
class DetectorContender(Contender):
    """An opened detector, which takes frames of any size."""

    def fitted(self, frame_hwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a frame as it is: it is scaled in the file."""
        return frame_hwc[None]


def of_file(model: Model, name: str, file: Path) -> Contender:
    """Return a model file with a frame of a camera's usual size, filled with its golden image, to be timed on."""
    assert isinstance(model, Detector)
    image_nhwc = model.card.golden.images_nhwc[:1]
    height, width = FRAME
    repeats = (1, -(-height // image_nhwc.shape[1]), -(-width // image_nhwc.shape[2]), 1)
    frame_nhwc = np.tile(image_nhwc, repeats)[:, :height, :width]

    def detect_each(frames_nhwc: NDArray[np.uint8]) -> list[object]:
        return [model.detect(frame_hwc) for frame_hwc in frames_nhwc]

    return contender.of_model(DetectorContender, model, name, file, frame_nhwc, detect_each)


def of_checkpoint(checkpoint: "Checkpoint", path: Path, threads: int) -> Contender:
    """A checkpoint has maps and no boxes: what is measured is the file. Raises CheckpointError."""
    raise CheckpointError(
        f"{path}: holds a detector, which is measured as the file that answers boxes. First: edgecnn export {path}"
    )
