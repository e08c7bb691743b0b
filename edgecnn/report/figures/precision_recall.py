"""Precision-recall curves: of each class against the rest, how pure an answer is for how much that is found."""

import numpy as np
from numpy.typing import NDArray

from edgecnn.report import style
from edgecnn.report.classified import ClassifiedSubject
from edgecnn.report.figure import Figure, Missing, Numbers
from edgecnn.report.figures import _curve

TITLE = "Precision-recall curves"
PLACE = 41
TASKS = ("classification",)


def draw(subject: ClassifiedSubject) -> Figure | Missing:
    """Draw the curve of each class; its area is the average precision."""
    curves = _curve.each_class(subject, _traced)
    if not curves:
        return Missing("The images are of one class; a curve needs two.")
    picture = style.new(height=3.6)
    axes = picture.subplots()
    _curve.draw(axes, curves)
    shown = _curve.frame(axes, curves, left=False)
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    mean = _curve.mean_area(curves)
    return Figure(
        caption=(
            "Each class against the rest, as the threshold on its probability falls: how many of what is called by the "
            "class are of it, for how many of it are found. The further up and to the right, the better. The area is "
            f"the average precision, {mean:.4f} in the mean.{shown}"
        ),
        numbers=Numbers(
            ("class", "average_precision"), [*((curve.label, curve.area) for curve in curves), ("mean", mean)]
        ),
        command=f"{subject.source.command} --only precision-recall",
        picture=picture,
        alt=f"Precision-recall curves of {len(curves)} classes; mean average precision {mean:.4f}.",
    )


def _traced(is_class_n: NDArray[np.bool_], score_n: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    precision, recall, _ = precision_recall_curve(is_class_n, score_n)
    places = np.searchsorted(recall[::-1], np.linspace(0, 1, _curve.POINTS), side="left")
    return precision[::-1][places], float(average_precision_score(is_class_n, score_n))
