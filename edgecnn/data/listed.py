"""Pictures with their labels and splits, listed but not yet read: what a folder or a table of pictures comes to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import ImageInput
from edgecnn.data.npz import SplitName, held_out
from edgecnn.data.split import Split
from edgecnn.data.whole import Left, Sources, Whole
from edgecnn.errors import DataError, ImageError
from edgecnn.runtime.image import is_color, read_picture, to_input

DEFAULT_SIZE = 32


class Stored(Protocol):
    """A picture inside a file of many, which is read when it is wanted."""

    @property
    def unit(self) -> object:
        """What it is a part of and is read from one end to the other, the same for all of that part."""

    def read(self) -> Path | bytes:
        """Return the bytes of the picture, or the file that it names. Raises ImageError."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture: the number of its class, the picture file, its bytes or its place in a file of many, and what it is
    called in messages."""

    label: int
    picture: Path | bytes | Stored
    said: str

    @property
    def content(self) -> Path | bytes:
        """The picture file or its bytes, read from where they are stored. Raises ImageError."""
        return self.picture if isinstance(self.picture, Path | bytes) else self.picture.read()


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


Read = Callable[[Entries, tuple[str, ...], ImageInput, str], Split]  # entries, names of classes, shape, data set


def read_whole(
    listed: Listed, size: tuple[int, int] | None, channels: int | None, reading: Read | None = None
) -> Whole:
    """Read all splits at once, and what was left out of them; ``reading`` is what reads the pictures of one."""
    reading = reading or decoded
    shape = shape_of(listed.train, size, channels)
    train = _with_every_class(reading(listed.train, listed.names, shape, listed.dataset), listed)
    own = listed.validation
    validation = None if own is None else reading(own, listed.names, shape, listed.dataset)
    if listed.test is None:
        train, test = (held_out(train, part, listed.dataset) for part in ("train", "test"))
    else:
        test = reading(listed.test, listed.names, shape, listed.dataset)
    return Whole(train, validation, test, listed.sources, listed.left)


def shape_of(entries: Entries, size: tuple[int, int] | None, channels: int | None) -> ImageInput:
    """Return the size and color that pictures are brought to."""
    height, width = size or (DEFAULT_SIZE, DEFAULT_SIZE)
    return ImageInput(height, width, channels or (3 if any(_has_colors(entry) for entry in entries) else 1))


def _has_colors(entry: Entry) -> bool:
    try:
        return is_color(entry.content)
    except ImageError:  # it is said when the picture is read
        return False


class Found:
    """What reading pictures one at a time comes to; one that cannot be read is left out and named."""

    def __init__(self) -> None:
        self.images: list[NDArray[np.uint8]] = []
        self._labels: list[int] = []
        self._files: list[str] = []
        self._skipped: list[str] = []
        self._assumed: list[tuple[str, str]] = []

    def read(self, entry: Entry, shape: ImageInput) -> NDArray[np.uint8] | None:
        """Return the image of an entry, uint8 (H, W, C), for ``images``; None where it cannot be read."""
        try:
            picture = read_picture(entry.content, entry.said)
            image_hwc = to_input(picture.pixels_hwc, shape)
        except ImageError as error:
            self._skipped.append(str(error))
            return None
        self._assumed += [(entry.said, picture.assumed)] if picture.assumed else []
        self._labels.append(entry.label)
        self._files.append(entry.said)
        return image_hwc

    def extend(self, other: "Found") -> None:
        """Add what reading others, after these, came to."""
        self.images += other.images
        self._labels += other._labels
        self._files += other._files
        self._skipped += other._skipped
        self._assumed += other._assumed

    def split(self, names: tuple[str, ...], dataset: str) -> Split:
        """Return all that were read. Raises DataError where none was."""
        if not self.images:
            raise DataError(
                f"{dataset}: no readable picture in {', '.join(names)} ({len(self._skipped)} could not be read"
                f"{': ' + self._skipped[0] if self._skipped else ''}). Expected files such as .png or .jpg."
            )
        labels_n = np.array(self._labels, dtype=np.int64)
        left = (tuple(self._skipped), tuple(self._files), tuple(self._assumed))
        return Split(np.stack(self.images), labels_n, names, *left)


def decoded(entries: Entries, names: tuple[str, ...], shape: ImageInput, dataset: str) -> Split:
    """Read pictures, one at a time. Raises DataError where none can be read."""
    found = Found()
    for entry in entries:
        image_hwc = found.read(entry, shape)
        if image_hwc is not None:
            found.images.append(image_hwc)
    return found.split(names, dataset)


def _with_every_class(found: Split, listed: Listed) -> Split:
    """Return ``found`` when there is something to learn of each class, else raise DataError."""
    empty = [name for label, name in enumerate(found.names) if label not in found.labels_n]
    if empty:
        raise DataError(f"{listed.dataset}: no readable picture of {', '.join(empty)}; {listed.remedy(empty)}")
    return found
