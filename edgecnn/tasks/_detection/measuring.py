"""The images with boxes that the quantized forms of a detector are measured with."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import Calibration, Golden, ModelCard
from edgecnn.data.boxes import Boxes
from edgecnn.errors import EdgecnnError
from edgecnn.runtime.detector import Detector, load_detector
from edgecnn.tasks._detection.comparison import DetectionComparison, compare_on, count_detections, f1_of
from edgecnn.tasks._detection.examples import Part, is_own, read_for
from edgecnn.tasks._detection.golden import measured

PARTS: tuple[Part, Part] = ("train", "validation")
FRAMES, ROWS, COLUMNS = 24, 3, 4  # calibration frames, each of so many images


@dataclass(frozen=True)
class DetectionYardstick:
    """The training and validation images of a parent."""

    card: ModelCard
    parent: Detector
    train: Boxes
    validation: Boxes
    metric: str = "f1"

    @staticmethod
    def read(file: Path, card: ModelCard, *, dataset: str | None, root: str | Path | None) -> "DetectionYardstick":
        """Read the images that a model was trained on. Raises DataError, EdgecnnError where others are named."""
        if dataset is not None and not is_own(card.dataset.name):
            raise EdgecnnError(f"{file}: is a detector, which is quantized on {card.dataset.name}. Leave out --data.")
        train, validation = (read_for(card, part, root, dataset=dataset) for part in PARTS)
        return DetectionYardstick(card, load_detector(file), train, validation)

    @property
    def images(self) -> int:
        """How many validation images there are."""
        return len(self.validation)

    @cached_property
    def parent_counts_n3(self) -> NDArray[np.int64]:
        """What the parent detects, which every form is compared with."""
        return count_detections(self.parent, self.validation)

    def parent_score(self) -> float:
        """Return the parent's F1."""
        return f1_of(self.parent_counts_n3.sum(0))

    def calibration(self) -> tuple[NDArray[np.uint8], Calibration]:
        """Return frames (N, 3 h, 4 w, 1) of the first training images, side by side."""
        frames_nhwc = side_by_side(self.train.images_nhwc)
        count = min(len(frames_nhwc) * ROWS * COLUMNS, len(self.train))
        return frames_nhwc, Calibration(count, 0, list(range(count)))

    def decisive(self, ends: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the scores of maps (images, 5, H, W): they say what is a detection, and where it lies may be off by
        pixels before it counts as another one. As logits the places where nothing is would weigh the most."""
        return (1 / (1 + np.exp(-ends[:, :1]))).astype(np.float32)

    def golden(self, graph: bytes) -> Golden:
        """Return the parent's golden image with what a form answers."""
        return measured(graph, self.card.golden.images_nhwc)

    def compare(self, candidate: Path, max_drop_pp: float) -> DetectionComparison:
        """Detect on the validation images, with the parent only once for all forms."""
        return compare_on(
            self.validation,
            self.parent,
            load_detector(candidate),
            max_drop_pp,
            dataset=self.card.dataset.name,
            split="validation",
            reference_counts_n3=self.parent_counts_n3,
        )


def side_by_side(images_nhwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return frames of 3 x 4 images each, of the first ones."""
    count = max(1, min(FRAMES, len(images_nhwc) // (ROWS * COLUMNS)))
    _, height, width, channels = images_nhwc.shape
    if len(images_nhwc) < ROWS * COLUMNS:
        images_nhwc = np.resize(images_nhwc, (ROWS * COLUMNS, height, width, channels))  # again from the first
    grid = images_nhwc[: count * ROWS * COLUMNS].reshape(count, ROWS, COLUMNS, height, width, channels)
    return grid.transpose(0, 1, 3, 2, 4, 5).reshape(count, ROWS * height, COLUMNS * width, channels)
