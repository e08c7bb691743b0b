"""The drop in accuracy of each class and of each slice of the images that two classifiers answered."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgecnn.data import Split
from edgecnn.data.split import SHOWN
from edgecnn.errors import DataError
from edgecnn.verify.apart import Apart, Breakdown, Ends, PartDrop, judged_apart
from edgecnn.verify.gate import needed
from edgecnn.verify.scores import FlipCounts
from edgecnn.verify.slices import read_slices
from edgecnn.verify.statistics import Z95, drop_intervals, expected_ci95_pp

Parts = dict[str, NDArray[np.int64]]  # the places of the images of each, by its name


def parts_of(apart: Apart, split: Split, where: str) -> tuple[Parts | None, Parts | None]:
    """Return the places of the images of each class, and of each slice, where they are judged apart.

    Raises DataError for a class without an image, of which nothing can be said, and for slices that do not fit.
    """
    apart.check()
    classes = slices = None
    if apart.max_class_drop_pp is not None:
        classes = {name: np.flatnonzero(split.labels_n == label) for label, name in enumerate(split.names)}
        empty = [name for name, place_m in classes.items() if not len(place_m)]
        if empty:
            names = ", ".join(empty[:SHOWN]) + (", …" if empty[SHOWN:] else "")
            raise DataError(
                f"the {where} has no image of {names}, and each class is to be judged. Name a data set that has "
                "images of each with --data, or leave out --max-class-drop-pp."
            )
    if apart.slices is not None:
        slices = read_slices(apart.slices, len(split), split.files, where)
    return classes, slices


def broken_down(
    apart: Apart,
    parts: tuple[Parts | None, Parts | None],
    answers: list[NDArray[np.int64]],
    labels_n: NDArray[np.int64],
) -> tuple[Breakdown | None, Breakdown | None]:
    """Judge the classes and the slices that ``parts_of`` found, by what both answered."""
    classes, slices = parts
    return (
        None if classes is None else _judged("class", classes, answers, labels_n, apart.max_class_drop_pp),
        None if slices is None else _judged("slice", slices, answers, labels_n, apart.max_slice_drop_pp),
    )


def _judged(
    by: Literal["class", "slice"],
    parts: Parts,
    answers: list[NDArray[np.int64]],
    labels_n: NDArray[np.int64],
    max_drop_pp: float | None,
) -> Breakdown:
    """Judge the accuracy on each part of the images."""
    right = [answer_n == labels_n for answer_n in answers]
    kinds = [right[0] & ~right[1], right[1] & ~right[0], (answers[0] != answers[1]) & ~right[0] & ~right[1]]
    sizes_m = np.array([len(place_m) for place_m in parts.values()])
    lost_m, won_m, other_m = (np.array([int(kind_n[place_m].sum()) for place_m in parts.values()]) for kind_n in kinds)

    def ends_pp(z: float) -> Ends:
        low_m, high_m = drop_intervals(lost_m, won_m, sizes_m, z)
        return low_m * 100, high_m * 100

    low_m, high_m = ends_pp(Z95)
    found = [
        PartDrop(
            name=name,
            images=len(place_m),
            reference_score=float(right[0][place_m].mean()),
            candidate_score=float(right[1][place_m].mean()),
            flip_counts=FlipCounts(int(lost_m[k]), int(won_m[k]), int(other_m[k])),
            drop_pp=float(lost_m[k] - won_m[k]) * 100 / len(place_m),
            drop_pp_ci95=(float(low_m[k]), float(high_m[k])),
        )
        for k, (name, place_m) in enumerate(parts.items())
    ]

    def needed_of(k: int) -> int | None:
        assert max_drop_pp is not None
        return needed_for(int(lost_m[k]), int(won_m[k]), int(sizes_m[k]), max_drop_pp)

    return judged_apart(by, found, ends_pp, needed_of, max_drop_pp)


def needed_for(lost: int, won: int, images: int, max_drop_pp: float) -> int | None:
    """Return about how many images would decide, of which the same shares are lost and won."""

    def expected(count: int, luck: float) -> tuple[float, float]:
        return expected_ci95_pp(lost, won, images, count, luck)

    return needed(expected, images, (lost - won) * 100 / images, max_drop_pp)
