"""What a data set of the user's own is like, from its files' headers and a few of its pictures: what a recipe is chosen
by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgecnn.data.inspected.headers import Sizes, of_entries, of_images, sizes_and_modes
from edgecnn.data.listed import Entries, Listed
from edgecnn.data.npz import TEST_SHARE
from edgecnn.data.read import read_whole
from edgecnn.data.sources import listed_of
from edgecnn.data.split import Split
from edgecnn.errors import DataError, ImageError
from edgecnn.runtime.image import read_picture

SAMPLE = 64  # pictures that are looked into for colors


@dataclass(frozen=True)
class Facts:
    """``train`` counts the pictures of each class to learn from, those to validate on among them where the data set has
    no ``own_validation``; ``side`` is the median of the pictures' shorter sides in pixels. ``colorfulness`` is how far
    apart the channels of a pixel lie in the mean, in levels of 255, and 0 where all pictures are gray."""

    dataset: str
    labels: tuple[str, ...]
    train: tuple[int, ...]
    sizes: Sizes
    side: int
    colorfulness: float
    own_validation: bool

    @property
    def images(self) -> int:
        """How many pictures there are to learn from."""
        return sum(self.train)


def facts(dataset: str) -> Facts:
    """Look at a folder, a table of pictures or a .npz file. Raises DataError."""
    listed = listed_of(dataset)
    return _of_arrays(dataset) if listed is None else _of_pictures(listed)


def _of_pictures(listed: Listed) -> Facts:
    counts = of_entries(listed.train)
    if not counts:
        raise DataError(f"{listed.dataset}: none of {len(listed.train)} files is a picture that can be read.")
    sizes, _ = sizes_and_modes(counts)
    sides = np.repeat([min(header.size) for header in counts], list(counts.values()))
    labels_n = np.array([entry.label for entry in listed.train], np.int64)
    return Facts(
        dataset=listed.dataset,
        labels=listed.names,
        train=_to_learn_from(labels_n, listed.names, has_test=listed.test is not None),
        sizes=sizes,
        side=int(np.median(sides)),
        colorfulness=_colorfulness(listed.train),
        own_validation=listed.validation is not None,
    )


def _of_arrays(dataset: str) -> Facts:
    whole = read_whole(dataset, None, None)
    train: Split = whole.train
    sizes, _ = sizes_and_modes(of_images([train]))
    step = max(len(train) // SAMPLE, 1)
    sample_nhwc = train.images_nhwc[::step].astype(np.int16)
    return Facts(
        dataset=dataset,
        labels=train.names,
        train=tuple(np.bincount(train.labels_n, minlength=len(train.names)).tolist()),
        sizes=sizes,
        side=min(train.images_nhwc.shape[1:3]),
        colorfulness=float(np.ptp(sample_nhwc, axis=3).mean()),
        own_validation=whole.validation is not None,
    )


def _to_learn_from(labels_n: "np.typing.NDArray[np.int64]", names: Sequence[str], *, has_test: bool) -> tuple[int, ...]:
    counts_k = np.bincount(labels_n, minlength=len(names))
    if not has_test:
        counts_k = counts_k - np.maximum(np.round(counts_k * TEST_SHARE).astype(np.int64), counts_k > 1)
    return tuple(counts_k.tolist())


def _colorfulness(entries: Entries) -> float:
    """Return the mean over some pictures, evenly chosen; those that cannot be read are passed over."""
    found = []
    for entry in entries[:: max(len(entries) // SAMPLE, 1)][:SAMPLE]:
        try:
            pixels_hwc = read_picture(entry.content, entry.said).pixels_hwc
        except ImageError:
            continue
        found.append(float(np.ptp(pixels_hwc.astype(np.int16), axis=2).mean()))
    return float(np.mean(found)) if found else 0.0
