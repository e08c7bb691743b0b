"""Images to look into a network with: of the split where that is here, else the golden ones, which every file has."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgecnn.errors import EdgecnnError
from edgecnn.report.classified import ClassifiedSubject

GOLDEN = "golden image"


@dataclass(frozen=True, eq=False)
class Images:
    """Images, what each is called, and where they are from."""

    images_nhwc: NDArray[np.uint8]
    names: Sequence[str]
    source: str


def some(subject: ClassifiedSubject, count: int) -> Images:
    """Return so many images, the first ones."""
    golden_nhwc = subject.card.golden.images_nhwc[:count]
    try:
        split = subject.split
    except EdgecnnError:
        return Images(golden_nhwc, [f"{GOLDEN} {place}" for place in range(len(golden_nhwc))], "the golden images")
    names = [f"{split.names[label]}, image {place}" for place, label in enumerate(split.labels_n[:count])]
    return Images(split.images_nhwc[:count], names, f"the {subject.source.split} split")


def right_and_wrong(subject: ClassifiedSubject) -> Images:
    """Return an image that the model is right on, and the mistake that it is surest of; without a split, two golden
    images."""
    try:
        right_n, surest_n = subject.right_n, np.argsort(-subject.confidence_n, kind="stable")
    except EdgecnnError:
        return some(subject, 2)
    places = [next((int(place) for place in surest_n if right_n[place] == wanted), None) for wanted in (True, False)]
    found = [place for place in places if place is not None]
    names, labels_n, answers_n = subject.split.names, subject.split.labels_n, subject.answers_n
    said = [
        f"{names[labels_n[place]]}{_mistake(names, labels_n[place], answers_n[place])} (image {place})"
        for place in found
    ]
    return Images(subject.split.images_nhwc[found], said, f"the {subject.source.split} split")


def _mistake(names: Sequence[str], label: int, answer: int) -> str:
    return "" if label == answer else f", taken for {names[answer]}"
