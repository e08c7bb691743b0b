"""The figures of a classifier on images, over all and class by class."""

from dataclasses import dataclass, field

from edgecnn.documents import later


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
