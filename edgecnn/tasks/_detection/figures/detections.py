"""Images with boxes: what was detected, what was missed, and what was taken for a thing."""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from edgecnn.data.boxes import IGNORED, THING
from edgecnn.report import style
from edgecnn.report.figure import Figure, Missing, Numbers
from edgecnn.tasks._detection.reported import DetectedSubject

TITLE = "Detections"
PLACE = 50
TASKS = ("detection",)
ACROSS, TYPICAL, WORST = 3, 3, 6
Dashes = Literal["-"] | tuple[float, Sequence[float]]
LINES: dict[str, tuple[str, Dashes]] = {  # told apart by their dashes as well as by their color
    "detected": (style.RIGHT, "-"),
    "missed": (style.REFERENCE, (0, (4, 2))),
    "false": (style.WRONG, (0, (1, 1.2))),
}
UNTOLD: tuple[str, Dashes] = (style.MUTED, (0, (5, 1, 1, 1)))


def draw(subject: DetectedSubject) -> Figure | Missing:
    """Draw the first images, and those with the most mistakes."""
    mistakes_n = subject.counts_n3[:, 1:].sum(1)
    worst = [int(place) for place in np.argsort(-mistakes_n, kind="stable")[:WORST] if mistakes_n[place]]
    groups = {"The first": list(range(min(TYPICAL, len(mistakes_n)))), "The most mistakes": worst}
    groups = {name: places for name, places in groups.items() if places}
    rows = [-(-len(places) // ACROSS) for places in groups.values()]
    picture = style.new(height=0.3 + sum(3.15 * count + 0.3 for count in rows))
    parts = picture.subfigures(len(groups), 1, height_ratios=rows, squeeze=False)[:, 0]
    for part, count, (name, places) in zip(parts, rows, groups.items(), strict=True):
        part.suptitle(name, fontsize=10, x=0.01, ha="left")
        cells = part.subplots(count, ACROSS, squeeze=False).ravel()
        for axes in cells[len(places) :]:
            axes.set_visible(False)
        for axes, place in zip(cells, places, strict=False):
            _draw(axes, subject, place)
    shown = LINES | {"nobody could tell": UNTOLD}
    lines = [Line2D([], [], color=color, linestyle=dashes, linewidth=2) for color, dashes in shown.values()]
    picture.legend(lines, list(shown), loc="outside upper left", ncols=len(shown), handlelength=3)  # seen on a phone
    return Figure(
        caption=(
            "Boxes in a whole line were detected, dashed ones were missed, dotted ones were answered where there is "
            "nothing to be detected. What nobody could tell is marked so in the data, and counts neither way. "
            + (f"The worst of {len(mistakes_n):,} images come last." if worst else "There is not one mistake.")
        ),
        numbers=_numbers(subject, list(dict.fromkeys(place for places in groups.values() for place in places))),
        command=f"{subject.source.command} --only detections",
        picture=picture,
        alt=f"{sum(map(len, groups.values()))} images with boxes around what was detected, missed and false.",
    )


def _draw(axes: Axes, subject: DetectedSubject, place: int) -> None:
    axes.imshow(subject.split.images_nhwc[place].squeeze(), cmap="gray", vmin=0, vmax=255)
    style.bare(axes)
    for what, boxes_m4 in _boxes(subject, place).items():
        _outline(axes, boxes_m4, *LINES.get(what, UNTOLD))
    detected, false, missed = (int(count) for count in subject.counts_n3[place])
    axes.set_title(f"image {place}: {detected} detected,\n{missed} missed, {false} false", fontsize=9)


def _outline(axes: Axes, boxes_m4: Iterable[Sequence[float]], color: str, dashes: Dashes) -> None:
    for x, y, width, height in boxes_m4:
        corner = (x - 0.5, y - 0.5)
        axes.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=color, linestyle=dashes, linewidth=1.8))


def _boxes(subject: DetectedSubject, place: int) -> dict[str, NDArray[np.float32]]:
    """Return the boxes of an image by what became of them."""
    answer, what_b, boxes_b4 = subject.answers[place], subject.split.what_nb[place], subject.split.boxes_nb4[place]
    return {
        "ignored": boxes_b4[what_b == IGNORED],
        "missed": boxes_b4[what_b == THING][~answer.match.detected_k],
        "false": answer.boxes_m4[answer.match.wrong_m],
        "detected": answer.boxes_m4[answer.match.right_m],
    }


def _numbers(subject: DetectedSubject, places: Sequence[int]) -> Numbers:
    rows: list[tuple[str | int | float, ...]] = [
        (place, what, *(round(float(side), 1) for side in box))
        for place in places
        for what, boxes_m4 in _boxes(subject, place).items()
        for box in boxes_m4
    ]
    return Numbers(("image", "what", "x", "y", "width", "height"), rows)
