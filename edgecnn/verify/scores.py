"""The figures of a classifier on images, over all and class by class."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from edgecnn.documents import later

Effect = Literal["harmful", "beneficial", "neutral"]


@dataclass(frozen=True)
class ClassScore:
    """One class; fractions."""

    label: str
    precision: float
    recall: float
    f1: float
    images: int


@dataclass(frozen=True)
class Scores:
    """One classifier. Fractions, the averages over classes; ``confusion`` counts by true and predicted class.
    ``balanced_accuracy`` is the accuracy with every class counting as much, the average of recall."""

    model: str
    form: str
    accuracy: float
    precision: float
    recall: float
    f1: float
    roc_auc: float | None
    classes: list[ClassScore]
    confusion: list[list[int]]
    balanced_accuracy: float = field(default=0.0, metadata=later(lambda found: found["recall"]))


@dataclass(frozen=True)
class Flip:
    """An image that the two classify differently: its place in the split, its label and both answers."""

    index: int
    label: str
    reference: str
    candidate: str

    @property
    def effect(self) -> Effect:
        """What it does to the accuracy."""
        if self.reference == self.label:
            return "harmful"
        return "beneficial" if self.candidate == self.label else "neutral"


@dataclass(frozen=True)
class FlipCounts:
    """Images whose answer is another one: ``harmful`` where only the reference is right, ``beneficial`` where only the
    candidate is, ``neutral`` where neither is. Of detectors: images with more mistakes, with fewer, with as many."""

    harmful: int
    beneficial: int
    neutral: int


def counted_flips(flips: Iterable[Flip]) -> FlipCounts:
    """Count flips by what they do."""
    found = Counter(flip.effect for flip in flips)
    return FlipCounts(found["harmful"], found["beneficial"], found["neutral"])
