"""The figures of a training: of a batch so far, of an epoch, of the whole run."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from edgecnn import metrics
from edgecnn.data.survey import Survey


@dataclass(frozen=True)
class Progress:
    """Where an epoch stands. Loss and accuracy are of the epoch so far, on the training images."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    accuracy: float
    images_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class Figures:
    """Loss (mean cross entropy) and fractions of one split."""

    loss: float
    accuracy: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class EpochRow:
    """One line of metrics.jsonl. ``seconds`` are those from the start of the training. The training figures are running
    ones, of weights that still move."""

    epoch: int
    seconds: float
    images_per_second: float
    learning_rate: float
    train: Figures
    validation: Figures


@dataclass(frozen=True)
class Outcome:
    """A finished run, also in its folder as outcome.json. ``best`` is the epoch that is kept: the best by validation,
    or the last, as the recipe selects. ``seconds`` are those of training and validating. ``data`` is what a data set of
    the user's own has, ``remarks`` what else was said before the first batch."""

    SCHEMA: ClassVar[int] = 1

    run: Path
    best: EpochRow
    last: EpochRow
    seconds: float
    parameters: int
    device: str
    processor: str
    threads: int
    precision: str
    train_images: int
    validation_images: int
    skipped: tuple[str, ...]
    data: Survey | None = None
    remarks: tuple[str, ...] = ()


class Tally:
    """Loss and confusion of the images seen so far, kept on the device: nothing waits for them batch by batch."""

    def __init__(self, classes: int, device: torch.device) -> None:
        self.classes = classes
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=device)
        self.pairs = torch.zeros(classes**2, dtype=torch.int64, device=device)  # true class * classes + predicted

    def add(self, loss_sum: Tensor, labels_n: Tensor, logits_nk: Tensor) -> None:
        """Count a batch; ``loss_sum`` is summed over its images."""
        self.loss_sum += loss_sum.double()
        self.pairs += torch.bincount(labels_n * self.classes + logits_nk.argmax(1), minlength=self.classes**2)

    @property
    def mean_loss(self) -> float:
        """The mean loss of the images so far."""
        return float(self.loss_sum) / max(int(self.pairs.sum()), 1)

    @property
    def accuracy(self) -> float:
        """The fraction of the images so far that were right."""
        return float(self.pairs.reshape(self.classes, -1).diagonal().sum()) / max(int(self.pairs.sum()), 1)

    def figures(self) -> Figures:
        """Return what an epoch's line says of a split."""
        found = metrics.from_confusion(self.pairs.cpu().numpy().reshape(self.classes, self.classes))
        return Figures(self.mean_loss, found.accuracy, found.precision, found.recall, found.f1)


def best_index(rows: list[EpochRow]) -> int:
    """Return the epoch with the best validation accuracy; among equals the one with the lowest validation loss."""
    return max(range(len(rows)), key=lambda index: (rows[index].validation.accuracy, -rows[index].validation.loss))
