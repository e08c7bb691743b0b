"""What the training loop asks of a task: the loss of a batch, and how good the answers are."""

from typing import Protocol

from torch import Tensor

from edgecnn.train.augment import Batch


class Tally(Protocol):
    """What is known of the images so far. ``loss_sum`` and ``pairs`` are what a resume needs."""

    loss_sum: Tensor
    pairs: Tensor

    def add(self, loss_sum: Tensor, targets: Tensor, answers: Tensor) -> None:
        """Count a batch; ``loss_sum`` is summed over its images."""

    @property
    def mean_loss(self) -> float:
        """The mean loss of the images so far."""

    def figures(self) -> dict[str, float]:
        """Return the metrics by name. The first one is what training follows: the higher, the better."""


class Objective(Protocol):
    """What is minimized, and what is measured."""

    def tally(self) -> Tally:
        """Return an empty tally."""

    def mean_loss(self, answers: Tensor, batch: Batch) -> Tensor:
        """Return the training loss: the mean over a batch."""

    def loss_sum(self, answers: Tensor, targets: Tensor) -> Tensor:
        """Return the plain loss summed over the images, as it is reported of the validation split."""
