"""What a training is for: the loss of a batch, and how right it is. One loop serves classifiers and finders."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from edgecnn import networks
from edgecnn.card import FINDER
from edgecnn.recipes.schema import Loss, Recipe
from edgecnn.train import finding
from edgecnn.train.augment import Batch
from edgecnn.train.figures import Figures, Tally
from edgecnn.train.loss import cross_entropy, mean_loss


class Score(Protocol):
    """A tally of the images so far. ``loss_sum`` and ``pairs`` are what a resume needs."""

    loss_sum: Tensor
    pairs: Tensor

    def add(self, loss_sum: Tensor, targets: Tensor, answers: Tensor) -> None:
        """Count a batch."""

    @property
    def mean_loss(self) -> float:
        """The mean loss of the images so far."""

    @property
    def accuracy(self) -> float:
        """How right they were, in 0..1."""

    def figures(self) -> Figures:
        """Return what an epoch's line says."""


class Task(Protocol):
    """What the loop asks for."""

    def score(self) -> Score:
        """Return an empty tally."""

    def mean_loss(self, answers: Tensor, batch: Batch) -> Tensor:
        """Return what is made small: the mean over a batch."""

    def loss_sum(self, answers: Tensor, targets: Tensor) -> Tensor:
        """Return the plain loss summed over the images, as it is reported of the validation split."""


@dataclass(frozen=True)
class Classification:
    """One of the classes for each image."""

    classes: int
    wanted: Loss
    device: torch.device

    def score(self) -> Score:
        """Return an empty tally."""
        return Tally(self.classes, self.device)

    def mean_loss(self, answers: Tensor, batch: Batch) -> Tensor:
        """Return the mean cross entropy as the recipe wants it."""
        return mean_loss(answers, batch, self.wanted)

    def loss_sum(self, answers: Tensor, targets: Tensor) -> Tensor:
        """Return the cross entropy without label smoothing."""
        return cross_entropy(answers, targets, Loss(name=self.wanted.name), "sum")


@dataclass(frozen=True)
class Finding:
    """Boxes on each page."""

    device: torch.device

    def score(self) -> Score:
        """Return an empty tally."""
        return finding.FindingTally(self.device)

    def mean_loss(self, answers: Tensor, batch: Batch) -> Tensor:
        """Return the mean loss of heat map and boxes."""
        return finding.loss_sum(answers, batch.labels_n) / len(answers)

    def loss_sum(self, answers: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of heat map and boxes."""
        return finding.loss_sum(answers, targets)


def task_of(recipe: Recipe, classes: int, device: torch.device) -> Task:
    """Return what a recipe trains for; its network decides."""
    if networks.kind(recipe.network.name) == FINDER:
        return Finding(device)
    return Classification(classes, recipe.loss, device)
