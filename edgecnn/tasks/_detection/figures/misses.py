"""What is missed: recall by the height of a thing and by how sharp it is."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from edgecnn.data.boxes import THING
from edgecnn.report import style
from edgecnn.report.figure import Figure, Missing, Numbers
from edgecnn.tasks._detection.reported import DetectedSubject
from edgecnn.verify.statistics import share_interval

TITLE = "What is missed"
PLACE = 48
TASKS = ("detection",)
BINS = 5


@dataclass(frozen=True)
class Bin:
    """Things alike in one measure: from ``low`` to ``high``, so many, so many detected, and the 95 % interval."""

    low: float
    high: float
    things: int
    detected: int
    interval: tuple[float, float]

    @property
    def recall(self) -> float:
        """The share that was detected."""
        return self.detected / self.things


def draw(subject: DetectedSubject) -> Figure | Missing:
    """Draw recall in fifths of all things by height, and by sharpness."""
    if not subject.split.things:
        return Missing("There is nothing to be detected on the images.")
    detected_k, height_k, sharpness_k = _things(subject)
    measures = {"height": binned(height_k, detected_k), "sharpness": binned(sharpness_k, detected_k)}
    picture = style.new(height=3.0)
    axes = picture.subplots(1, 2, sharey=True)
    _draw(axes[0], measures["height"], "height in pixels, and how many things")
    _draw(axes[1], measures["sharpness"], "sharpness (left: blurred), and how many things")
    axes[0].set_ylabel("recall, %")
    return Figure(
        caption=(
            f"Of {len(detected_k):,} things {int((~detected_k).sum()):,} were missed. Each bar is about a fifth "
            "of them, with its 95 % interval. Sharpness is the variance of the Laplacian over that of the gray "
            "values in the box (after Pech-Pacheco 2000), which does not depend on contrast."
        ),
        numbers=Numbers(
            ("by", "from", "to", "things", "detected", "recall", "recall_low", "recall_high"),
            [
                (name, one.low, one.high, one.things, one.detected, one.recall, *one.interval)
                for name, bins in measures.items()
                for one in bins
            ],
        ),
        command=f"{subject.source.command} --only misses",
        picture=picture,
        alt="Recall in fifths of the things by height and by sharpness: " + _in_words(measures),
    )


def binned(measure_k: NDArray[np.float64], detected_k: NDArray[np.bool_]) -> list[Bin]:
    """Return recall in bins of about as many things each; equal values stay together."""
    edges = np.unique(np.quantile(measure_k, np.linspace(0, 1, BINS + 1)))
    place_k = np.searchsorted(edges[1:-1], measure_k, side="right")
    found = []
    for place in np.unique(place_k):
        own_k = place_k == place
        things, detected = int(own_k.sum()), int(detected_k[own_k].sum())
        low, high = float(measure_k[own_k].min()), float(measure_k[own_k].max())
        found.append(Bin(low, high, things, detected, share_interval(detected, things)))
    return found


def sharpness(image_hw: NDArray[np.uint8], box: NDArray[np.float32]) -> float:
    """Return the variance of the Laplacian over that of the gray values in a box; 0 where it is flat."""
    x, y, width, height = (int(side) for side in np.round(box))
    part = image_hw[max(y, 0) : y + height, max(x, 0) : x + width].astype(np.float64)
    if min(part.shape) < 3 or not part.var():
        return 0.0
    middle = part[1:-1, 1:-1]
    laplacian = part[:-2, 1:-1] + part[2:, 1:-1] + part[1:-1, :-2] + part[1:-1, 2:] - 4 * middle
    return float(laplacian.var() / part.var())


def _things(subject: DetectedSubject) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """Return of each thing whether it was detected, its height and its sharpness."""
    split = subject.split
    heights, sharp = [], []
    for image_hwc, boxes_b4, what_b in zip(split.images_nhwc, split.boxes_nb4, split.what_nb, strict=True):
        own = boxes_b4[what_b == THING]
        heights += own[:, 3].tolist()
        sharp += [sharpness(image_hwc.mean(axis=2).astype(np.uint8), box) for box in own]
    detected_k = np.concatenate([answer.match.detected_k for answer in subject.answers])
    return detected_k, np.array(heights), np.array(sharp)


def _draw(axes: Axes, bins: list[Bin], name: str) -> None:
    places = np.arange(len(bins))
    recalls = np.array([one.recall for one in bins])
    ends = np.array([one.interval for one in bins]).T
    axes.bar(places, 100 * recalls, color=style.MODEL, width=0.7)
    reach = 100 * np.abs(ends - recalls)
    axes.errorbar(places, 100 * recalls, reach, fmt="none", ecolor=style.INK, elinewidth=1, capsize=3)
    axes.set_xticks(places, [f"{_range(one)}\n{one.things:,}" for one in bins], fontsize=8)
    axes.set_ylim(0, 102)
    axes.set_xlabel(name)
    style.grid(axes)


def _range(one: Bin) -> str:
    return f"{one.low:.3g}–{one.high:.3g}" if one.high > one.low else f"{one.low:.3g}"


def _in_words(measures: dict[str, list[Bin]]) -> str:
    parts = (f"{name} {', '.join(f'{one.recall:.0%}' for one in bins)}" for name, bins in measures.items())
    return "; ".join(parts) + "."
