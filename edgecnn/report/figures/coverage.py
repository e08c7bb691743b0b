"""Threshold against coverage and accuracy: what it buys to reject answers of lower confidence."""

import numpy as np

from edgecnn.report import style
from edgecnn.report.classified import ClassifiedSubject
from edgecnn.report.figure import Figure, Numbers, Shown

TITLE = "What a threshold buys"
PLACE = 46
TASKS = ("classification",)
THRESHOLDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)


def draw(subject: ClassifiedSubject) -> Figure:
    """Draw the share of images that is answered, and how many of these answers are right, by threshold."""
    order = np.argsort(-subject.confidence_n, kind="stable")
    accuracy_n = np.cumsum(subject.right_n[order]) / np.arange(1, len(order) + 1)
    shares_n = np.arange(1, len(order) + 1) / len(order)
    rows = [row for threshold in THRESHOLDS if (row := at(subject, threshold))]
    picture = style.new(height=3.2)
    axes = picture.subplots()
    axes.plot(100 * shares_n, 100 * accuracy_n)
    axes.set_xlabel("images answered, % (the surest first)")
    axes.set_ylabel("of these right, %")
    lowest = 100 * float(accuracy_n.min())
    axes.set_ylim(lowest - 0.05 * (100 - lowest) - 0.01, 100 + 0.05 * (100 - lowest) + 0.01)
    style.grid(axes)
    return Figure(
        caption=(
            "An answer below the threshold is rejected, for a person or another model to look at. Coverage is the "
            "share that is answered; the accuracy is that of these answers."
        ),
        numbers=Numbers(("threshold", "coverage", "accuracy", "rejected", "wrong"), rows),
        command=f"{subject.source.command} --only coverage",
        picture=picture,
        alt="Accuracy of the answers that are kept, against the share of images that is answered.",
        table=Shown(
            ("threshold", "coverage", "accuracy", "rejected", "wrong"),
            [(f"{t:g}", f"{c:.2%}", f"{a:.2%}", f"{r:,}", f"{w:,}") for t, c, a, r, w in rows],
        ),
    )


def at(subject: ClassifiedSubject, threshold: float) -> tuple[float, float, float, int, int] | None:
    """Return (threshold, coverage, accuracy, images rejected, answers wrong), or None where nothing is answered."""
    kept_n = subject.confidence_n >= threshold
    if not kept_n.any():
        return None
    right_n = subject.right_n[kept_n]
    return threshold, float(kept_n.mean()), float(right_n.mean()), int((~kept_n).sum()), int((~right_n).sum())
