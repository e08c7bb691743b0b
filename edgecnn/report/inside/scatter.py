"""The features of many images on a map, colored and named by class."""

from collections.abc import Sequence

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edgecnn.insight.embedding import Embedding
from edgecnn.report import style
from edgecnn.report.inside import ink
from edgecnn.text import picture_text, shortened

WIDTH = ink.WIDTH
FEW = 20  # classes that are named in large letters
LONGEST = 18  # letters of a class's name
PUSHES = 200


def draw(embedding: Embedding, labels_n: NDArray[np.int64], names: Sequence[str]) -> Figure:
    """Draw the points with the name of each class at its middle; ``labels_n`` are of the points."""
    figure = ink.figure(WIDTH, WIDTH * 0.75)
    axes = ink.bare(figure.add_axes((0, 0, 1, 1)))
    colors, points = ink.classes(len(names)), embedding.points_n2
    size = 9 if len(points) <= 1000 else 5
    axes.scatter(points[:, 0], points[:, 1], c=[colors[label] for label in labels_n], s=size, linewidths=0, alpha=0.8)
    axes.set_aspect("equal")
    letters = 13.0 if len(names) <= FEW else 6.5
    present = [int(label) for label in np.unique(labels_n)]
    words = [shortened(names[label].replace("_", " "), LONGEST) for label in present]
    middles = np.array([middle(points[labels_n == label]) for label in present])
    axes.apply_aspect()  # places on the page are known from here on
    to_pixels = axes.transData
    boxes = np.array([(len(word) * 0.62, 1.15) for word in words]) * letters * figure.dpi / 72
    places = to_pixels.inverted().transform(apart(to_pixels.transform(middles), boxes))
    for label, word, (x, y) in zip(present, words, places, strict=True):
        text = axes.text(
            x, y, picture_text(word), fontsize=letters, ha="center", va="center", color=colors[label],
            fontweight="bold",
        )  # fmt: skip
        text.set_path_effects([effects.withStroke(linewidth=3, foreground=style.PAPER)])
    return figure


def apart(centers_n2: NDArray[np.float64], sizes_n2: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move boxes until none covers another, or as far as ``PUSHES`` rounds go, each pair along the shorter way."""
    moved = centers_n2.copy()
    for _ in range(PUSHES):
        gaps_nn2 = moved[:, None] - moved
        overlaps_nn2 = (sizes_n2[:, None] + sizes_n2) / 2 - np.abs(gaps_nn2)
        covers_nn = (overlaps_nn2 > 0).all(axis=2) & ~np.eye(len(moved), dtype=bool)
        if not covers_nn.any():
            break
        for one, other in np.argwhere(np.triu(covers_nn)):
            axis = int(overlaps_nn2[one, other].argmin())
            way = 1 if gaps_nn2[one, other, axis] >= 0 else -1
            push = way * (overlaps_nn2[one, other, axis] / 4 + 0.5)
            moved[one, axis] += push
            moved[other, axis] -= push
    return moved


def middle(points_n2: NDArray[np.float32]) -> tuple[float, float]:
    """Return the middle of the nearer half of the points around the one that has its half nearest: in the largest
    group of a class, not between two."""
    half = max(1, len(points_n2) // 2)
    gaps_nn = np.linalg.norm(points_n2[:, None] - points_n2, axis=2)
    center = np.sort(gaps_nn, axis=1)[:, :half].mean(axis=1).argmin()
    x, y = points_n2[np.argsort(gaps_nn[center])[:half]].mean(axis=0)
    return float(x), float(y)
