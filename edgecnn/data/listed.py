"""Pictures with their labels and splits, listed but not yet read: what a folder or a table of pictures comes to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import ImageInput
from edgecnn.data.npz import SplitName, held_out
from edgecnn.data.split import Split
from edgecnn.data.whole import Left, Sources, Whole
from edgecnn.errors import DataError, ImageError
from edgecnn.runtime.image import is_color, read_picture, to_input

DEFAULT_SIZE = 32


@dataclass(frozen=True)
class Entry:
    """One picture: the number of its class, the picture file or its bytes, and what it is called in messages."""

    label: int
    picture: Path | bytes
    said: str


Entries = tuple[Entry, ...]


def _add_some(names: Sequence[str]) -> str:
    return "add some, or leave that class out."


@dataclass(frozen=True)
class Listed:
    """The pictures of a data set. Without ``test`` a part of ``train`` is held out. ``sources`` says where each split
    comes from, and ``remedy`` what to do about classes without a picture that can be read."""

    dataset: str
    names: tuple[str, ...]
    train: Entries
    validation: Entries | None
    test: Entries | None
    sources: Sources
    left: Left = field(default_factory=Left)
    remedy: Callable[[Sequence[str]], str] = _add_some

    @property
    def entries(self) -> Entries:
        """The pictures of all splits."""
        return (*self.train, *(self.validation or ()), *(self.test or ()))


def read(listed: Listed, split: SplitName, size: tuple[int, int] | None, channels: int | None) -> Split:
    """Read one split. Without a test split of its own, a stratified fifth, always the same, is held out of train.

    Images come in ``size`` (height, width), or 32x32; with ``channels``, or 1 when all pictures are gray and 3
    otherwise. One picture is decoded at a time; one that cannot be read is left out and named in ``skipped``.
    Raises DataError when none is left, or where there is no such split.
    """
    shape = shape_of(listed.train, size, channels)
    if split == "validation":
        if listed.validation is None:
            raise DataError(f"{listed.dataset}: has no validation split of its own (val beside train and test).")
        return decoded(listed.validation, listed.names, shape, listed.dataset)
    if split == "test" and listed.test is not None:
        return decoded(listed.test, listed.names, shape, listed.dataset)
    train = _with_every_class(decoded(listed.train, listed.names, shape, listed.dataset), listed)
    return train if listed.test is not None else held_out(train, split, listed.dataset)


def read_whole(listed: Listed, size: tuple[int, int] | None, channels: int | None) -> Whole:
    """Read all splits at once, and what was left out of them."""
    shape = shape_of(listed.train, size, channels)
    train = _with_every_class(decoded(listed.train, listed.names, shape, listed.dataset), listed)
    own = listed.validation
    validation = None if own is None else decoded(own, listed.names, shape, listed.dataset)
    if listed.test is None:
        train, test = (held_out(train, part, listed.dataset) for part in ("train", "test"))
    else:
        test = decoded(listed.test, listed.names, shape, listed.dataset)
    return Whole(train, validation, test, listed.sources, listed.left)


def shape_of(entries: Entries, size: tuple[int, int] | None, channels: int | None) -> ImageInput:
    """Return the size and color that pictures are brought to."""
    height, width = size or (DEFAULT_SIZE, DEFAULT_SIZE)
    return ImageInput(height, width, channels or (3 if any(is_color(entry.picture) for entry in entries) else 1))


def decoded(entries: Entries, names: tuple[str, ...], shape: ImageInput, dataset: str) -> Split:
    """Read pictures, one at a time. Raises DataError where none can be read."""
    images: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    files: list[str] = []
    skipped: list[str] = []
    assumed: list[tuple[str, str]] = []
    for entry in entries:
        try:
            picture = read_picture(entry.picture, entry.said)
            images.append(to_input(picture.pixels_hwc, shape))
            assumed += [(entry.said, picture.assumed)] if picture.assumed else []
            labels.append(entry.label)
            files.append(entry.said)
        except ImageError as error:
            skipped.append(str(error))
    if not images:
        raise DataError(
            f"{dataset}: no readable picture in {', '.join(names)} ({len(skipped)} could not be read"
            f"{': ' + skipped[0] if skipped else ''}). Expected files such as .png or .jpg."
        )
    labels_n = np.array(labels, dtype=np.int64)
    return Split(np.stack(images), labels_n, names, tuple(skipped), tuple(files), tuple(assumed))


def _with_every_class(found: Split, listed: Listed) -> Split:
    """Return ``found`` when there is something to learn of each class, else raise DataError."""
    empty = [name for label, name in enumerate(found.names) if label not in found.labels_n]
    if empty:
        raise DataError(f"{listed.dataset}: no readable picture of {', '.join(empty)}; {listed.remedy(empty)}")
    return found
