"""ROC curves: of each class against the rest, how many are found for how many false alarms."""

import numpy as np
from numpy.typing import NDArray

from edgecnn.report import style
from edgecnn.report.classified import ClassifiedSubject
from edgecnn.report.figure import Figure, Missing, Numbers
from edgecnn.report.figures import _curve

TITLE = "ROC curves"
PLACE = 40
TASKS = ("classification",)


def draw(subject: ClassifiedSubject) -> Figure | Missing:
    """Draw the curve of each class (Fawcett 2006, "An introduction to ROC analysis")."""
    curves = _curve.each_class(subject, _traced)
    if not curves:
        return Missing("The images are of one class; a curve needs two.")
    picture = style.new(height=3.6)
    axes = picture.subplots()
    axes.plot([0, 1], [0, 1], color=style.MUTED, linewidth=0.8, linestyle=":")
    _curve.draw(axes, curves)
    shown = _curve.frame(axes, curves, left=True)
    axes.set_xlabel("false positive rate")
    axes.set_ylabel("true positive rate")
    mean = _curve.mean_area(curves)
    return Figure(
        caption=(
            "Each class against the rest, as the threshold on its probability falls. The further up and to the left, "
            f"the better; guessing is the dotted diagonal. The mean area under the curve is {mean:.4f}.{shown}"
        ),
        numbers=Numbers(("class", "auc"), [*((curve.label, curve.area) for curve in curves), ("mean", mean)]),
        command=f"{subject.source.command} --only roc",
        picture=picture,
        alt=f"ROC curves of {len(curves)} classes against the rest; mean area {mean:.4f}.",
    )


def _traced(is_class_n: NDArray[np.bool_], score_n: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    from sklearn.metrics import roc_auc_score, roc_curve

    false_rate, true_rate, _ = roc_curve(is_class_n, score_n)
    places = np.searchsorted(false_rate, np.linspace(0, 1, _curve.POINTS), side="right") - 1
    return true_rate[places], float(roc_auc_score(is_class_n, score_n))
