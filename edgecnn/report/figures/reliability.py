"""Reliability diagram: does a model that says 90 % be right nine times of ten?"""

import numpy as np

from edgecnn.report import style
from edgecnn.report.classified import ClassifiedSubject
from edgecnn.report.figure import Figure, Numbers

TITLE = "Reliability"
PLACE = 45
TASKS = ("classification",)
BINS = 15


def draw(subject: ClassifiedSubject) -> Figure:
    """Draw accuracy by confidence (Guo et al. 2017, "On Calibration of Modern Neural Networks")."""
    bins = binned(subject.confidence_n, subject.right_n)
    error = sum(images * abs(accuracy - confidence) for _, _, images, confidence, accuracy in bins) / len(subject.split)
    picture = style.new(height=3.4)
    axes, counts = picture.subplots(1, 2, width_ratios=(1.4, 1))
    axes.plot([0, 1], [0, 1], color=style.MUTED, linewidth=0.8, linestyle=":")
    lows, highs, images, confidence, accuracy = zip(*bins, strict=True)
    axes.plot(confidence, accuracy, marker="o", markersize=4)
    axes.set_xlabel("confidence")
    axes.set_ylabel("accuracy")
    axes.set_xlim(min(lows), 1.01)
    style.grid(axes)
    counts.bar(lows, images, width=np.subtract(highs, lows), align="edge", edgecolor=style.PAPER)
    counts.set_yscale("log")
    counts.set_xlabel("confidence")
    counts.set_ylabel("images")
    return Figure(
        caption=(
            "How often the model is right, by how sure it says it is. On the dotted line a probability means what it "
            f"says; below it the model is too sure. Expected calibration error: {error:.4f}."
        ),
        numbers=Numbers(("from", "to", "images", "mean_confidence", "accuracy"), bins),
        command=f"{subject.source.command} --only reliability",
        picture=picture,
        alt=f"Accuracy by confidence in {len(bins)} bins; expected calibration error {error:.4f}.",
    )


def binned(confidence_n: np.ndarray, right_n: np.ndarray) -> list[tuple[float, float, int, float, float]]:
    """Return (from, to, images, mean confidence, accuracy) of each of BINS equal bins that has images.

    A bin has what is above its lower end, up to and with its upper one.
    """
    edges = np.linspace(0, 1, BINS + 1)
    place_n = np.clip(np.digitize(confidence_n, edges, right=True) - 1, 0, BINS - 1)
    found = []
    for place in np.unique(place_n):
        inside_n = place_n == place
        means = float(confidence_n[inside_n].mean()), float(right_n[inside_n].mean())
        found.append((float(edges[place]), float(edges[place + 1]), int(inside_n.sum()), *means))
    return found
