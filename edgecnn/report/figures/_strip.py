"""Images side by side, each with what is said of it: what several figures draw."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from numpy.typing import NDArray

from edgecnn.report import style
from edgecnn.report.classified import ClassifiedSubject
from edgecnn.report.figure import Numbers
from edgecnn.text import picture_text, shortened

ACROSS = 5
LONGEST = 18  # letters of a label under an image


@dataclass(frozen=True)
class Sample:
    """An image with its true label and what was said: (role, label, probability) of one model or two."""

    index: int
    image_hwc: NDArray[np.uint8]
    true: str
    said: tuple[tuple[str, str, float], ...]

    @property
    def numbers(self) -> tuple[str | int | float, ...]:
        """The row of a CSV file."""
        return (self.index, self.true, *(cell for _, label, probability in self.said for cell in (label, probability)))


def samples(subject: ClassifiedSubject, indices: Sequence[int]) -> list[Sample]:
    """Return images of the split by their places, with what the model says."""
    return [sample(subject, int(index)) for index in indices]


def sample(subject: ClassifiedSubject, index: int) -> Sample:
    """Return one image of the split with what the model says."""
    names, answer = subject.split.names, subject.answers_n[index]
    said = (("", names[answer], float(subject.confidence_n[index])),)
    return Sample(index, subject.split.images_nhwc[index], names[subject.split.labels_n[index]], said)


def numbers(found: Sequence[Sample]) -> Numbers:
    """Return what is written to CSV of images with one answer."""
    return Numbers(("image", "true", "said", "probability"), [one.numbers for one in found])


def draw(rows: Sequence[tuple[str, Sequence[Sample]]]) -> Picture:
    """Draw named groups of images, so many across."""
    lines = max(len(one.said) for _, found in rows for one in found)
    heights = [-(-len(found) // ACROSS) for _, found in rows]
    picture = style.new(height=sum((1.95 + 0.14 * lines) * count + 0.3 for count in heights))
    parts = picture.subfigures(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0]
    for part, count, (name, found) in zip(parts, heights, rows, strict=True):
        if name:
            part.suptitle(picture_text(name), fontsize=10, x=0.01, ha="left")
        cells = part.subplots(count, ACROSS, squeeze=False).ravel()
        for axes in cells[len(found) :]:
            axes.set_visible(False)
        for axes, one in zip(cells, found, strict=False):
            _draw(axes, one)
    return picture


def _draw(axes: Axes, one: Sample) -> None:
    axes.imshow(one.image_hwc.squeeze(), cmap="gray", vmin=0, vmax=255)
    style.bare(axes)
    lines = [_line(role, label, probability) for role, label, probability in one.said]
    right = one.said[-1][1] == one.true
    axes.set_title("\n".join(lines), color=style.RIGHT if right else style.WRONG, fontsize=8.5)
    axes.set_xlabel(f"true: {_label(one.true)}", fontsize=8)


def _line(role: str, label: str, probability: float) -> str:
    return f"{role + ': ' if role else ''}{_label(label)}  {_percent(probability)}"


def _percent(probability: float) -> str:
    """Write a probability; what is nearly one is not called certain."""
    return "> 99.9%" if 0.9995 <= probability < 1 else f"{probability:.1%}"


def _label(label: str) -> str:
    return picture_text(shortened(label, LONGEST))
