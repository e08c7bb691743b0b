"""What quantized forms are calibrated on and measured with, as the model's task has it."""

from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import Calibration, Golden, ModelCard
from edgecnn.runtime.load import task_of
from edgecnn.verify.compared import Compared


class Yardstick(Protocol):
    """The data of one parent. ``images`` are validation images, ``metric`` what is measured on them."""

    @property
    def images(self) -> int:
        """How many validation images there are."""

    @property
    def metric(self) -> str:
        """The name of the figure."""

    def parent_score(self) -> float:
        """Return the figure of the float32 parent."""

    def calibration(self) -> tuple[NDArray[np.uint8], Calibration]:
        """Return training images that set the ranges of activations, and the record of them."""

    def decisive(self, ends: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the metric hangs on, of the values (images, …) that a network ends with."""

    def golden(self, graph: bytes) -> Golden:
        """Return the parent's golden images with the answers of a form."""

    def compare(self, candidate: Path, max_drop_pp: float) -> Compared:
        """Run the parent and a form on the validation images."""


class QuantizingTask(Protocol):
    """What is asked of a task here."""

    def yardstick(self, file: Path, card: ModelCard, *, dataset: str | None, root: str | Path | None) -> Yardstick:
        """Read what forms of a model are calibrated on and measured with."""


def yardstick_for(file: Path, card: ModelCard, *, dataset: str | None, root: str | Path | None) -> Yardstick:
    """Return what forms of a parent are measured with. Raises DataError where its images cannot be read."""
    return cast(QuantizingTask, task_of(card, str(file))).yardstick(file, card, dataset=dataset, root=root)
