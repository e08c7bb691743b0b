"""What a data set of the user's own has, said before anything is learned from it: images by class and split, what was
left out, and images whose pixels are there more than once, in two splits or with two labels.

Images are compared as the network sees them, brought to its size, pixel by pixel: a copy that was compressed anew is
not found.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgecnn.data.split import Split
from edgecnn.data.whole import Left, Sources, Whole

EXAMPLES = 5


@dataclass(frozen=True)
class ClassCount:
    """How many images each split has of a class."""

    label: str
    train: int
    validation: int
    test: int


@dataclass(frozen=True)
class Shared:
    """Images of one split whose pixels are in another split as well; ``example`` names one and its double."""

    split: str
    other: str
    images: int
    example: tuple[str, str]


@dataclass(frozen=True)
class Conflict:
    """Images of the same pixels under two labels."""

    images: tuple[str, str]
    labels: tuple[str, str]


@dataclass(frozen=True)
class Survey:
    """``assumed`` counts pictures by what reading them had to assume. ``repeated`` is how many training images are
    there already; ``conflicts`` are some of ``conflicting`` images."""

    classes: tuple[ClassCount, ...]
    sources: Sources
    left: Left
    unreadable: tuple[str, ...]
    assumed: dict[str, int]
    repeated: int
    shared: tuple[Shared, ...]
    conflicting: int
    conflicts: tuple[Conflict, ...]


def survey(whole: Whole, train: Split, validation: Split, test: Split, held_out: str) -> Survey:
    """Look at what is used of a data set: its splits as the recipe has them, labels grouped. ``held_out`` says in words
    what is held out for validation where the data set has no validation split of its own."""
    splits = {"train": train, "validation": validation, "test": test}
    counts = {name: np.bincount(split.labels_n, minlength=len(train.names)) for name, split in splits.items()}
    digests = {name: digests_of(split) for name, split in splits.items()}
    conflicts = _conflicts(splits, digests)
    read = [split for split in (whole.train, whole.validation, whole.test) if split is not None]
    unreadable = dict.fromkeys(text for split in read for text in split.skipped)
    return Survey(
        classes=tuple(
            ClassCount(name, *(int(counts[split][label]) for split in splits)) for label, name in enumerate(train.names)
        ),
        sources=replace(whole.sources, validation=whole.sources.validation or held_out),
        left=whole.left,
        unreadable=tuple(unreadable),
        assumed=dict(Counter(dict(pair for split in read for pair in split.assumed).values())),
        repeated=len(train) - len(set(digests["train"])),
        shared=_shared(splits, digests),
        conflicting=len(conflicts),
        conflicts=tuple(conflicts[:EXAMPLES]),
    )


def digests_of(split: Split) -> list[bytes]:
    """Return a digest of each image's pixels."""
    return [hashlib.blake2b(image_hwc.tobytes(), digest_size=16).digest() for image_hwc in split.images_nhwc]


def _shared(splits: Mapping[str, Split], digests: Mapping[str, list[bytes]]) -> tuple[Shared, ...]:
    found = []
    for name, other in (("test", "train"), ("test", "validation"), ("validation", "train")):
        place_of = {digest: place for place, digest in reversed(list(enumerate(digests[other])))}
        places = [place for place, digest in enumerate(digests[name]) if digest in place_of]
        if places:
            double = place_of[digests[name][places[0]]]
            example = (name_of(splits[name], name, places[0]), name_of(splits[other], other, double))
            found.append(Shared(name, other, len(places), example))
    return tuple(found)


def _conflicts(splits: Mapping[str, Split], digests: Mapping[str, list[bytes]]) -> list[Conflict]:
    first: dict[bytes, tuple[str, str]] = {}
    found: dict[bytes, Conflict] = {}
    for name, split in splits.items():
        for place, digest in enumerate(digests[name]):
            image, label = name_of(split, name, place), split.names[split.labels_n[place]]
            before, label_before = first.setdefault(digest, (image, label))
            if label != label_before:
                found.setdefault(digest, Conflict((before, image), (label_before, label)))
    return list(found.values())


def name_of(split: Split, name: str, place: int) -> str:
    """Return an image's file, or its place in the split."""
    return split.files[place] if split.files else f"image {place} of {name}"
