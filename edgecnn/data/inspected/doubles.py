"""Images that are there twice, in equal pixels or nearly, inside a split and across splits."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgecnn.data.inspected.alike import Alike, Pairs, alike
from edgecnn.data.split import Split
from edgecnn.data.survey import digests_of, name_of

SHOWN = 100  # pairs that are named
PLACES = (  # where doubles may be: a split, and the one that has the other of the pair
    ("test", "train"),
    ("validation", "train"),
    ("test", "validation"),
    ("train", "train"),
    ("validation", "validation"),
    ("test", "test"),
)


@dataclass(frozen=True)
class Doubled:
    """How many images of ``split`` have a double in ``other``: ``exact`` of equal pixels, ``near`` of others that are
    nearly equal. Inside one split the first of several is not counted."""

    split: str
    other: str
    exact: int
    near: int


@dataclass(frozen=True)
class Pair:
    """Two images that are nearly the same, by their files or their places in their splits."""

    images: tuple[str, str]
    splits: tuple[str, str]
    labels: tuple[str, str]
    correlation: float


@dataclass(frozen=True)
class Doubles:
    """``near`` are the pairs that are most alike, two labels first, of ``near_pairs``; ``near_conflicting`` of these
    have two labels. ``complete`` is false where there were too many to go on."""

    counts: tuple[Doubled, ...]
    near_pairs: int
    near_conflicting: int
    near: tuple[Pair, ...]
    complete: bool


@dataclass(frozen=True)
class Joined:
    """All splits, one after the other; of images with equal pixels, ``first`` has the first one's place."""

    images_nhwc: NDArray[np.uint8]
    labels_n: NDArray[np.int64]
    split_n: NDArray[np.str_]
    first: NDArray[np.int64]
    files: tuple[str, ...]


def joined(splits: Mapping[str, Split]) -> Joined:
    """Put splits one after the other, train first."""
    names = [name for name in ("train", "validation", "test") if name in splits]
    digests = [digest for name in names for digest in digests_of(splits[name])]
    place_of: dict[bytes, int] = {}
    return Joined(
        np.concatenate([splits[name].images_nhwc for name in names]),
        np.concatenate([splits[name].labels_n for name in names]),
        np.repeat(names, [len(splits[name]) for name in names]),
        np.array([place_of.setdefault(digest, place) for place, digest in enumerate(digests)]),
        tuple(name_of(splits[name], name, place) for name in names for place in range(len(splits[name]))),
    )


def near(whole: Joined) -> Alike:
    """Find what is nearly the same among images of different pixels."""
    different = np.unique(whole.first)
    found = alike(whole.images_nhwc[different], whole.labels_n[different])
    return Alike(different[found.pairs], found.correlations, found.complete)


def doubles(whole: Joined, found: Alike, names: tuple[str, ...]) -> Doubles:
    """Count doubles by where they are, and name some."""
    conflicting = whole.labels_n[found.pairs[:, 0]] != whole.labels_n[found.pairs[:, 1]]
    shown = np.concatenate([np.flatnonzero(conflicting), np.flatnonzero(~conflicting)])[:SHOWN]
    return Doubles(
        counts=tuple(
            _counted(whole, found, split, other) for split, other in PLACES if {split, other} <= set(whole.split_n)
        ),
        near_pairs=len(found.pairs),
        near_conflicting=int(conflicting.sum()),
        near=tuple(_pair(whole, found, place, names) for place in shown),
        complete=found.complete,
    )


def pairs(whole: Joined, found: Alike) -> Pairs:
    """Return the pairs of images that are equal or nearly so: across splits first, then those of two labels."""
    again = np.flatnonzero(whole.first != np.arange(len(whole.first)))
    both = np.concatenate([np.stack([whole.first[again], again], axis=1), found.pairs])
    one, other = both.T
    within = whole.split_n[one] == whole.split_n[other]
    return both[np.lexsort((whole.labels_n[one] == whole.labels_n[other], within))]


def leaked(whole: Joined, found: Alike) -> int:
    """Return how many images of test and validation are in train too, in equal pixels or nearly."""
    held_out, train = whole.split_n != "train", whole.split_n == "train"
    again = _among_first(whole, train) | _with_double(found, _among_first(whole, held_out), train)
    return int((held_out & again[whole.first]).sum())


def _counted(whole: Joined, found: Alike, split: str, other: str) -> Doubled:
    here, there = whole.split_n == split, whole.split_n == other
    ours, theirs = _among_first(whole, here), _among_first(whole, there)
    if split == other:
        within = ours[found.pairs].all(axis=1)
        return Doubled(split, other, int(here.sum() - ours.sum()), len(np.unique(found.pairs[within, 1])))
    shared = here & theirs[whole.first]
    near = here & ~shared & _with_double(found, ours, theirs)[whole.first]
    return Doubled(split, other, int(shared.sum()), int(near.sum()))


def _among_first(whole: Joined, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the first places of images that the chosen ones are equal to."""
    marked = np.zeros(len(chosen), bool)
    marked[whole.first[chosen]] = True
    return marked


def _with_double(found: Alike, here: NDArray[np.bool_], there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark which images of ``here`` are in a pair with one of ``there``."""
    marked = np.zeros(len(here), bool)
    for one, other in (found.pairs.T, found.pairs.T[::-1]):
        marked[one[here[one] & there[other]]] = True
    return marked


def _pair(whole: Joined, found: Alike, place: int, names: tuple[str, ...]) -> Pair:
    one, other = found.pairs[place].tolist()
    return Pair(
        images=(whole.files[one], whole.files[other]),
        splits=(str(whole.split_n[one]), str(whole.split_n[other])),
        labels=(names[whole.labels_n[one]], names[whole.labels_n[other]]),
        correlation=round(float(found.correlations[place]), 4),
    )
