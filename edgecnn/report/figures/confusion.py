"""Confusion matrix: which class is taken for which."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from edgecnn.report import style
from edgecnn.report.classified import ClassifiedSubject
from edgecnn.report.figure import Figure, Numbers, Shown
from edgecnn.text import picture_text
from edgecnn.verify.evaluation import confused

TITLE = "Confusion matrix"
PLACE = 30
TASKS = ("classification",)
MOST_COUNTED, MOST_LISTED = 20, 10
ORDERED = "Classes that are taken for each other stand side by side. "
LETTERS = 420.0  # points of the height that all labels share


def draw(subject: ClassifiedSubject) -> Figure:
    """Draw counts by true and predicted class, and list what is most often confused."""
    scores = subject.evaluation.scores
    counts_kk, labels = np.array(scores.confusion), [one.label for one in scores.classes]
    picture = style.new(height=6.2 if len(labels) <= MOST_COUNTED else 8.4)
    many = len(labels) > MOST_COUNTED
    places = neighbors(counts_kk) if many else list(range(len(labels)))
    draw_matrix(picture.subplots(), counts_kk[np.ix_(places, places)], [labels[place] for place in places])
    worst = confused(scores, MOST_LISTED)
    return Figure(
        caption=(
            "Rows are the true class, columns what the model said; the stronger the color, the larger the share of the "
            f"row. What lies off the diagonal is wrong. {ORDERED if many else ''}{_worst(worst)}"
        ),
        numbers=Numbers(
            ("true", *labels), [(label, *row) for label, row in zip(labels, counts_kk.tolist(), strict=True)]
        ),
        command=f"{subject.source.command} --only confusion",
        picture=picture,
        alt=f"Matrix of {len(labels)} classes; {counts_kk.trace():,} of {counts_kk.sum():,} images on the diagonal.",
        table=Shown(("true", "said", "images"), [(true, said, f"{count:,}") for true, said, count in worst], left=2),
    )


def draw_matrix(axes: Axes, counts_kk: NDArray[Any], labels: list[str]) -> None:
    """Draw a confusion matrix; with few classes, each count is written into its cell."""
    shares_kk = counts_kk / np.maximum(counts_kk.sum(axis=1, keepdims=True), 1)
    axes.imshow(np.sqrt(shares_kk), cmap=style.shades(), vmin=0, vmax=1)  # or single mistakes are not seen
    names = [picture_text(label) for label in labels]
    letters = min(9.0, LETTERS / len(names))
    axes.set_xticks(range(len(names)), names, rotation=0 if max(map(len, names)) < 3 else 90, fontsize=letters)
    axes.set_yticks(range(len(names)), names, fontsize=letters)
    axes.tick_params(length=0)
    axes.spines[:].set(visible=True, alpha=0.3)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if len(labels) <= MOST_COUNTED:
        for row, column in np.argwhere(counts_kk > 0):
            axes.text(
                column,
                row,
                f"{counts_kk[row, column]:,}",
                ha="center",
                va="center",
                fontsize=7.5,
            )


def neighbors(counts_kk: NDArray[Any]) -> list[int]:
    """Return the classes in an order that has those side by side that are taken for each other: the leaves of a tree by
    the share of mutual confusion (Bar-Joseph et al. 2001, "Fast optimal leaf ordering for hierarchical clustering")."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    shares_kk = counts_kk / np.maximum(counts_kk.sum(axis=1, keepdims=True), 1)
    apart_kk = 1 - (shares_kk + shares_kk.T) / 2
    np.fill_diagonal(apart_kk, 0)
    found: list[int] = leaves_list(linkage(squareform(apart_kk), "average", optimal_ordering=True)).tolist()
    return found


def _worst(worst: list[tuple[str, str, int]]) -> str:
    if not worst:
        return "Nothing is confused."
    named = ", ".join(f"{true} for {said} ({count:,})" for true, said, count in worst[:3])
    return f"Most often it takes {named}."
