"""What is done to pixels where nobody says it: the usual ways, each tried on images whose classes are known.

Nothing is taken from it silently: it is a table and a proposal, and the user says what holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn import data
from edgecnn.adopt import pictures
from edgecnn.adopt.answers import output_of
from edgecnn.adopt.known import known_of
from edgecnn.adopt.original import Original
from edgecnn.adopt.pictures import Taken
from edgecnn.adopt.preprocessing import preprocessing
from edgecnn.adopt.said import Layout, Said
from edgecnn.adopt.source import Source, read
from edgecnn.card import ImageInput
from edgecnn.data import Split
from edgecnn.errors import EdgecnnError
from edgecnn.verify.compare import read_for
from edgecnn.verify.statistics import drop_ci95_pp

IMAGES = 500  # of the validation split, at most
USUAL = {
    "0..1": Said(scale=1 / 255, mean=(0.0,), std=(1.0,)),
    "-1..1": Said(scale=1 / 127.5, mean=(1.0,), std=(1.0,)),
    "0..255": Said(scale=1.0, mean=(0.0,), std=(1.0,)),
}
INVERTED = {
    "1..0, inverted": Said(scale=-1 / 255, mean=(-1.0,), std=(1.0,)),
    "1..-1, inverted": Said(scale=-1 / 127.5, mean=(-1.0,), std=(1.0,)),
    "255..0, inverted": Said(scale=-1.0, mean=(-255.0,), std=(1.0,)),
}
GRAY = USUAL | INVERTED | {"MNIST's mean and deviation": Said(scale=1 / 255, mean=(0.1307,), std=(0.3081,))}
COLOR = USUAL | {
    "1..0, inverted": INVERTED["1..0, inverted"],
    "ImageNet's mean and deviation": Said(scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
    "0..255 less ImageNet's mean": Said(scale=1.0, mean=(123.68, 116.779, 103.939), std=(1.0,)),
}


@dataclass(frozen=True)
class Way:
    """One way to feed a file. ``layout`` is None where the file itself tells it."""

    name: str
    taken: Taken
    said: Said
    layout: Layout | None


@dataclass(frozen=True)
class Tried:
    """One way, and the share of images that are answered right with it. ``name`` is for people; ``layout`` is None
    where the file tells it."""

    name: str
    layout: str | None
    bgr: bool
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    accuracy: float


@dataclass(frozen=True)
class Proposal:
    """All ways that were tried on images of a data set's validation split, the best first.

    ``best`` is the first one where it is surely better than the next (95 %, paired), else None; ``reason`` says why.
    """

    dataset: str
    images: int
    tried: list[Tried]
    best: Tried | None
    reason: str


def propose(model: str | Path, said: Said, *, dataset: str, root: str | Path | None = None) -> Proposal | None:
    """Try the usual ways to feed pixels to a classifier of others; None where that is said, or known of the file.

    Raises ModelError for what is no classifier of pictures, EdgecnnError for labels that nobody said, DataError.
    """
    source = read(Path(model))
    pictures.the_input(source)
    all_said = said.over(known_of(source).said)
    if all_said.scale is not None or source.inputs[0].kind == "uint8":
        return None
    if all_said.labels is None:
        raise EdgecnnError(f"{model}: to try what its pixels are, its labels have to be said: --labels.")
    ways = list(_ways(source, all_said))
    split = _images(ways[0].taken.image, all_said.labels, dataset, root)
    right = [_right(source, way, split) for way in ways]
    order = np.argsort([-found_n.mean() for found_n in right], kind="stable")
    tried = [_tried(ways[place], float(right[place].mean())) for place in order]
    best, reason = _judged([right[place] for place in order], tried, len(all_said.labels))
    return Proposal(dataset, len(split), tried, best, reason)


def _ways(source: Source, said: Said) -> Iterator[Way]:
    """Yield what may be done to pixels, in the layouts that the file leaves open."""
    is_open = _leaves_layout_open(source, said)
    layouts: tuple[Layout | None, ...] = ("nchw", "nhwc") if is_open else (said.layout,)
    for layout in layouts:
        laid, missing = replace(said, layout=layout), list[str]()
        taken = pictures.taken(source, laid, missing)
        if taken is None:
            raise EdgecnnError(f"{source.path}: to try what its pixels are, this has to be said: {'; '.join(missing)}")
        is_gray = taken.image.channels == 1
        colors = [False] if is_gray else [False, True] if said.bgr is None else [said.bgr]
        for (name, way), bgr in product((GRAY if is_gray else COLOR).items(), colors):
            mean, std = ((numbers or ())[:: -1 if bgr else 1] for numbers in (way.mean, way.std))
            words = [name, *([] if is_gray else ["BGR" if bgr else "RGB"]), *([str(layout)] if is_open else [])]
            done = replace(way, mean=mean, std=std, bgr=bgr).over(laid)
            yield Way(" ".join(words), taken, done, layout if is_open else None)


def _leaves_layout_open(source: Source, said: Said) -> bool:
    missing = list[str]()
    return pictures.taken(source, said, missing) is None and any("--layout" in one for one in missing)


def _images(wanted: ImageInput, labels: tuple[str, ...], dataset: str, root: str | Path | None) -> Split:
    record = data.drawn_record(dataset, size=wanted.shape[:2], channels=wanted.channels, root=root)
    split = read_for(record, wanted.shape, "validation", dataset=dataset, root=root, labels=labels)
    return split.take(np.linspace(0, len(split) - 1, min(IMAGES, len(split))).astype(np.int64))


def _right(source: Source, way: Way, split: Split) -> NDArray[np.bool_]:
    """Return which images are answered right."""
    done = preprocessing(way.taken, way.said, [])
    assert done is not None
    answers_nk = Original(source, way.taken, output_of(source, way.said).name).answers(split.images_nhwc, done)
    right_n: NDArray[np.bool_] = answers_nk.reshape(len(split), -1).argmax(axis=1) == split.labels_n
    return right_n


def _tried(way: Way, accuracy: float) -> Tried:
    said = way.said
    return Tried(
        way.name, way.layout, said.bgr or False, said.scale or 1.0, said.mean or (0.0,), said.std or (1.0,), accuracy
    )


def _judged(right: list[NDArray[np.bool_]], tried: list[Tried], classes: int) -> tuple[Tried | None, str]:
    """Return the first where it is surely the best, and why it is, or why not."""
    first, second = right[:2]
    images, first_title = len(first), f"{tried[0].name} ({tried[0].accuracy:.2%})"
    chance = 1 / classes
    if tried[0].accuracy - chance < 3 * np.sqrt(chance * (1 - chance) / images):
        return None, (
            f"none is surely better than chance ({chance:.2%}): see that the labels are in the order of the answers, "
            "and that the pictures are of the kind that it was made for"
        )
    lost, won = int((first & ~second).sum()), int((second & ~first).sum())
    low, high = drop_ci95_pp(lost, won, images)
    second_title = f"{tried[1].name} ({tried[1].accuracy:.2%})"
    if low <= 0:
        return None, f"{first_title} is not surely better than {second_title}: say which holds"
    return tried[0], f"{first_title} is better than {second_title} by {low:.1f} to {high:.1f} points (95 %)"
