"""Curves of each class against the rest, and their mean; what the two figures of that kind share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from edgecnn.report import style
from edgecnn.report.classified import ClassifiedSubject
from edgecnn.text import picture_text

MOST_NAMED = 10
NEAR = 0.1  # of each axis, where the curves of all classes turn
POINTS = 1001  # of a curve that is drawn, evenly along the horizontal axis


@dataclass(frozen=True)
class Curve:
    """One class against the rest: ``heights`` at POINTS places from 0 to 1, and the area under the whole curve."""

    label: str
    heights: NDArray[np.float64]
    area: float


Traced = Callable[[NDArray[np.bool_], NDArray[np.float64]], tuple[NDArray[np.float64], float]]


def each_class(subject: ClassifiedSubject, traced: Traced) -> list[Curve]:
    """Trace a curve for each class that has images, and images that are of another."""
    found = []
    for class_id, label in enumerate(subject.split.names):
        is_class_n = subject.split.labels_n == class_id
        if is_class_n.any() and not is_class_n.all():
            found.append(Curve(label, *traced(is_class_n, subject.probabilities_nk[:, class_id])))
    return found


def draw(axes: Axes, curves: Sequence[Curve]) -> None:
    """Draw a line for each class where there are few, else where nine of ten classes lie; and the mean."""
    across = np.linspace(0, 1, POINTS)
    heights = np.stack([curve.heights for curve in curves])
    if len(curves) <= MOST_NAMED:
        for curve in sorted(curves, key=lambda one: one.area):
            axes.plot(across, curve.heights, linewidth=1, label=f"{picture_text(curve.label)}  {curve.area:.4f}")
    else:
        low, high = np.percentile(heights, (5, 95), axis=0)
        axes.fill_between(across, low, high, color=style.MODEL, alpha=0.25, linewidth=0, label="nine of ten classes")
    axes.plot(across, heights.mean(axis=0), color=style.INK, label=f"mean  {mean_area(curves):.4f}")
    style.grid(axes)
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), title="area under the curve", alignment="left")


def frame(axes: Axes, curves: Sequence[Curve], *, left: bool) -> str:
    """Show all of it, or the corner that is left or right above where all curves are near it; return what to say."""
    span = NEAR if min(curve.area for curve in curves) > 1 - NEAR**2 else 1.0
    margin = span / 50
    axes.set_xlim(-margin, span) if left else axes.set_xlim(1 - span, 1 + margin)
    axes.set_ylim(1 - span, 1 + margin)
    return "" if span == 1 else f" Only the {'left' if left else 'right'} upper corner is shown, where the curves turn."


def mean_area(curves: Sequence[Curve]) -> float:
    """Return the mean over classes of the area under the curve."""
    return float(np.mean([curve.area for curve in curves]))
