"""What a confusion matrix says: accuracy, and precision, recall and F1 by class and in the macro average.

A class that was never predicted has precision 0, one that never occurs has recall 0, as in scikit-learn with
``zero_division=0``. Macro averages are over the classes that occur in the truth, whatever was predicted, so that those
of two models on the same images are over the same classes: scikit-learn's with ``labels=numpy.unique(truth)``. (By
itself it also counts a class that is only predicted, with a recall of 0 that says nothing of recall; the false answers
are in the accuracy, and in the precision and recall of the classes that there are.) Balanced accuracy is the macro
average of recall. Tests hold all of them equal to scikit-learn's.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TITLES = {"f1": "F1", "roc_auc": "ROC AUC"}  # of figures that are called otherwise than their key
PERCENTAGES = ("accuracy", "balanced_accuracy")


def title(metric: str) -> str:
    """Return what people call a figure.

    >>> title("f1"), title("accuracy")
    ('F1', 'accuracy')
    """
    return TITLES.get(metric, metric.replace("_", " "))


def digits(metric: str, value: float) -> str:
    """Write a figure's value as people read it.

    >>> digits("accuracy", 0.9946), digits("f1", 0.95891)
    ('99.46%', '0.9589')
    """
    return cell(metric, value) + ("%" if metric in PERCENTAGES else "")


def column(metric: str) -> str:
    """Return the heading of a column that has a figure's values.

    >>> column("f1"), column("accuracy")
    ('F1', 'accuracy %')
    """
    return title(metric) + (" %" if metric in PERCENTAGES else "")


def cell(metric: str, value: float) -> str:
    """Write a figure's value as such a column has it.

    >>> cell("accuracy", 0.9946), cell("f1", 0.95891)
    ('99.46', '0.9589')
    """
    return f"{100 * value:.2f}" if metric in PERCENTAGES else f"{value:.4f}"


@dataclass(frozen=True)
class Metrics:
    """Fractions in 0..1; the arrays have one entry per class."""

    accuracy: float
    precision: float
    recall: float
    f1: float
    precision_k: NDArray[np.float64]
    recall_k: NDArray[np.float64]
    f1_k: NDArray[np.float64]

    @property
    def balanced_accuracy(self) -> float:
        """The accuracy with every class counting as much."""
        return self.recall


def confusion_matrix(truth_n: NDArray[np.int64], predicted_n: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Count images by (true class, predicted class): int64 (K, K)."""
    return np.bincount(truth_n * classes + predicted_n, minlength=classes * classes).reshape(classes, classes)


def from_confusion(confusion_kk: NDArray[np.int64]) -> Metrics:
    """Derive the metrics from counts by (true class, predicted class)."""
    right_k = confusion_kk.diagonal().astype(np.float64)
    precision_k = _ratio(right_k, confusion_kk.sum(axis=0))
    recall_k = _ratio(right_k, confusion_kk.sum(axis=1))
    f1_k = _ratio(2 * precision_k * recall_k, precision_k + recall_k)
    present_k = confusion_kk.sum(axis=1) > 0
    return Metrics(
        accuracy=float(right_k.sum() / max(confusion_kk.sum(), 1)),
        precision=_mean(precision_k[present_k]),
        recall=_mean(recall_k[present_k]),
        f1=_mean(f1_k[present_k]),
        precision_k=precision_k,
        recall_k=recall_k,
        f1_k=f1_k,
    )


@dataclass(frozen=True)
class Bin:
    """The images whose best probability lies in one tenth: how many, their mean confidence, and their accuracy."""

    images: int
    confidence: float
    accuracy: float


def reliability(probabilities_nk: NDArray[np.floating[Any]], labels_n: NDArray[np.int64], bins: int = 10) -> list[Bin]:
    """Return the bins that have images, from low to high confidence (Niculescu-Mizil and Caruana 2005)."""
    best_n, right_n = probabilities_nk.max(axis=1), probabilities_nk.argmax(axis=1) == labels_n
    place_n = np.minimum((best_n * bins).astype(int), bins - 1)
    members = [np.flatnonzero(place_n == place) for place in range(bins)]
    return [Bin(len(own), float(best_n[own].mean()), float(right_n[own].mean())) for own in members if len(own)]


def expected_calibration_error(probabilities_nk: NDArray[np.floating[Any]], labels_n: NDArray[np.int64]) -> float:
    """Return the mean gap between confidence and accuracy, over fifteen bins (Naeini et al. 2015)."""
    found = reliability(probabilities_nk, labels_n, bins=15)
    return sum(own.images * abs(own.confidence - own.accuracy) for own in found) / max(len(labels_n), 1)


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else 0.0
