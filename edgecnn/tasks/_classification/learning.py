"""What a classifier learns: cross entropy, and the confusion of classes so far."""

from dataclasses import dataclass

import torch
from torch import Tensor

from edgecnn import metrics
from edgecnn.recipes.schema import Loss, Teacher
from edgecnn.train.augment import Batch
from edgecnn.train.loss import cross_entropy, mean_loss
from edgecnn.train.teacher import divergence


class ConfusionTally:
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

    def figures(self) -> dict[str, float]:
        """Return accuracy, and the macro averages of precision, recall and F1."""
        found = metrics.from_confusion(self.pairs.cpu().numpy().reshape(self.classes, self.classes))
        return {
            "accuracy": found.accuracy,
            "precision": found.precision,
            "recall": found.recall,
            "f1": found.f1,
        }


@dataclass(frozen=True)
class ClassificationObjective:
    """One of the classes for each image."""

    classes: int
    loss: Loss
    device: torch.device
    teacher: Teacher | None = None

    def tally(self) -> ConfusionTally:
        """Return an empty tally."""
        return ConfusionTally(self.classes, self.device)

    def mean_loss(self, answers: Tensor, batch: Batch) -> Tensor:
        """Return the mean cross entropy as the recipe wants it, and with a teacher its share of it."""
        own = mean_loss(answers, batch, self.loss)
        if self.teacher is None or batch.teacher_nk is None:
            return own
        taught = divergence(answers, batch.teacher_nk, self.teacher.temperature)
        return (1 - self.teacher.weight) * own + self.teacher.weight * taught

    def loss_sum(self, answers: Tensor, targets: Tensor) -> Tensor:
        """Return the cross entropy without label smoothing."""
        return cross_entropy(answers, targets, Loss(name=self.loss.name), "sum")
