"""Precision, recall and F1 by the threshold on the score, and precision against recall."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from edgecnn.report import style
from edgecnn.report.figure import Figure, Missing, Numbers
from edgecnn.tasks._detection.reported import DetectedSubject

TITLE = "Precision and recall by threshold"
PLACE = 40
TASKS = ("detection",)
LISTED = 200  # rows of the CSV file


@dataclass(frozen=True, eq=False)
class Curve:
    """Figures of the answers with a score of at least ``threshold_t``, which falls."""

    threshold_t: NDArray[np.float64]
    precision_t: NDArray[np.float64]
    recall_t: NDArray[np.float64]

    @property
    def f1_t(self) -> NDArray[np.float64]:
        """The harmonic mean of precision and recall."""
        both = self.precision_t + self.recall_t
        return np.divide(2 * self.precision_t * self.recall_t, both, out=np.zeros_like(both), where=both > 0)


def draw(subject: DetectedSubject) -> Figure | Missing:
    """Draw the three by threshold, and the two against each other."""
    curve = traced(subject)
    if not len(curve.threshold_t):
        return Missing("Nothing was detected, rightly or wrongly.")
    best = int(curve.f1_t.argmax())
    picture = style.new(height=3.2)
    left, right = picture.subplots(1, 2)
    _by_threshold(left, curve, subject.threshold)
    right.plot(curve.recall_t, curve.precision_t)
    right.plot(curve.recall_t[-1], curve.precision_t[-1], "o", color=style.INK, markersize=4)
    right.annotate("all answers", (curve.recall_t[-1], curve.precision_t[-1]), (-6, -4), ha="right", va="top",
                   textcoords="offset points", fontsize=8)  # fmt: skip
    right.set_xlabel("recall")
    right.set_ylabel("precision")
    for axes in (left, right):
        axes.set_ylim(-0.02, 1.02)
        style.grid(axes)
    right.set_xlim(-0.02, 1.02)
    kept = np.unique(np.linspace(0, len(curve.threshold_t) - 1, LISTED).astype(int))
    columns = (curve.threshold_t, curve.precision_t, curve.recall_t, curve.f1_t)
    return Figure(
        caption=(
            f"{_said(subject.threshold)}F1 is highest, {curve.f1_t[best]:.4f}, at {curve.threshold_t[best]:.2f}; with "
            f"all answers it is {curve.f1_t[-1]:.4f}."
        ),
        numbers=Numbers(
            ("threshold", "precision", "recall", "f1"),
            [tuple(float(values_t[place]) for values_t in columns) for place in kept],
        ),
        command=f"{subject.source.command} --only threshold",
        picture=picture,
        alt=f"Precision, recall and F1 by threshold; F1 is highest at {curve.threshold_t[best]:.2f}.",
    )


def traced(subject: DetectedSubject) -> Curve:
    """Return precision and recall at each score that occurs, as if that were the threshold.

    The better answers of an image match alike without the others, so one pass over all scores is enough. Answers on
    what is to be ignored count neither way.
    """
    scores_m = np.concatenate([answer.scores_m for answer in subject.answers]).astype(np.float64)
    right_m = np.concatenate([answer.match.right_m for answer in subject.answers])
    counted_m = right_m | np.concatenate([answer.match.wrong_m for answer in subject.answers])
    scores_m, right_m = scores_m[counted_m], right_m[counted_m]
    order = np.argsort(-scores_m, kind="stable")
    right_t, said_t = np.cumsum(right_m[order]), np.arange(1, len(order) + 1)
    last = np.flatnonzero(np.diff(scores_m[order], append=-np.inf))  # of those that share a score
    return Curve(scores_m[order][last], (right_t / said_t)[last], (right_t / max(subject.split.things, 1))[last])


def _said(threshold: float | None) -> str:
    if threshold is None:
        return ""
    return f"The file answers boxes with a score above {threshold:.2f}; an application may ask for more than that. "


def _by_threshold(axes: Axes, curve: Curve, own: float | None) -> None:
    named = {"precision": curve.precision_t, "recall": curve.recall_t, "F1": curve.f1_t}
    for (name, values_t), dashes in zip(named.items(), ("--", ":", "-"), strict=True):
        axes.plot(curve.threshold_t, values_t, linestyle=dashes, label=name)
    if own is not None:
        axes.axvline(own, color=style.INK, linewidth=0.8)
        axes.annotate("the file's own", (own, 0.5), (4, 0), textcoords="offset points", fontsize=8, rotation=90,
                      va="center")  # fmt: skip
    axes.set_xlabel("threshold on the score")
    axes.legend(loc=(0.12, 0.02))
