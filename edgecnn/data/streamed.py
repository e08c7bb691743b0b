"""Pictures that stay in their files while a network learns from them, because memory has no room for all.

They are looked at once, to know which can be read, and what is the same. What stays of each is 24 bytes, a digest of
its pixels and its place, which stand in for its image where a data set is divided and surveyed: by the code that
divides images in memory, and so in the same way. Each epoch then reads archive by archive, in an order that is drawn,
through a buffer of some pictures out of which the next is drawn, as WebDataset's ``shuffle`` does. The order is known
before the first picture is read, so an epoch that was left in the middle goes on with the very next one.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import ImageInput
from edgecnn.data import listed, sources
from edgecnn.data.listed import Entries, Entry
from edgecnn.data.split import Split, checked
from edgecnn.data.whole import Whole
from edgecnn.errors import DataError, ImageError
from edgecnn.runtime.image import read_picture, to_input

DIGEST, PLACE = 16, 8  # bytes
AT_ONCE = 256  # pictures


@dataclass(frozen=True, eq=False)
class Streamed:
    """Pictures brought to one shape when they are read. ``digests_nb`` is what their pixels were when they were looked
    at, uint8 (N, 16); ``buffer`` how many are held at once to be shuffled."""

    entries: Entries
    input: ImageInput
    digests_nb: NDArray[np.uint8]
    buffer: int

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """What an array of all images would have: N, H, W, C."""
        return (len(self.entries), *self.input.shape)

    def read(self, places: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return images, uint8 (N, H, W, C). Raises DataError where one is no more what it was."""
        return np.stack([self.read_one(int(place)) for place in places])

    def read_one(self, place: int) -> NDArray[np.uint8]:
        """Return an image, uint8 (H, W, C). Raises DataError where it is no more what it was."""
        entry = self.entries[place]
        try:
            image_hwc = to_input(read_picture(entry.content, entry.said).pixels_hwc, self.input)
            now = _digest(image_hwc)
        except ImageError as error:
            now, found = b"", str(error)
        else:
            found = f"{entry.said}: another picture"
        if now != self.digests_nb[place].tobytes():
            raise DataError(
                f"{found} now; it was read before. Leave the files as they are while a training reads them, and "
                "continue with --resume once they are as they were."
            )
        return image_hwc

    def chunks(self) -> Iterator[NDArray[np.uint8]]:
        """Yield all images in their order, some at a time."""
        for start in range(0, len(self), AT_ONCE):
            yield self.read(np.arange(start, min(start + AT_ONCE, len(self))))

    def orders(self, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the places in the order in which an epoch reads them, and in that in which it learns from them."""
        numbers: dict[object, int] = {}
        units = (_unit(entry, place) for place, entry in enumerate(self.entries))
        unit_n = np.array([numbers.setdefault(unit, len(numbers)) for unit in units])
        return shuffled(unit_n, self.buffer, seed)


def _unit(entry: Entry, place: int) -> object:
    return place if isinstance(entry.picture, Path | bytes) else entry.picture.unit


def shuffled(unit_n: NDArray[np.int64], buffer: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return places as they are read, units (0..) in an order that is drawn and each from its first place to its last,
    and as they are drawn from the last ``buffer`` that were read.

    What is drawn n-th is among the first n + ``buffer`` that are read.
    """
    draw = np.random.default_rng(seed)
    coming = np.argsort(draw.permutation(int(unit_n.max()) + 1)[unit_n], kind="stable")
    held = coming[:buffer].tolist()
    slots = draw.integers(len(held), size=len(coming) - len(held)).tolist()
    drawn = []
    for place, slot in zip(coming[buffer:].tolist(), slots, strict=True):
        drawn.append(held[slot])
        held[slot] = place
    return coming, np.array([*drawn, *draw.permutation(held).tolist()], np.int64)


class Looked:
    """A data set that was looked at: its splits with stand-ins for images, uint8 (N, 1, 24, 1), and what they stand
    for."""

    def __init__(self, dataset: str, size: tuple[int, int] | None, channels: int | None, buffer: int) -> None:
        """Look at every picture. Raises DataError."""
        pictures = sources.listed_of(dataset)
        if pictures is None:
            raise DataError(
                f"{dataset}: comes as arrays, which are read as a whole; data.buffer is for pictures, as in "
                "folder:PATH, tar:PATH or parquet:PATH. Leave it out."
            )
        self.buffer, self._entries = buffer, list[Entry]()
        self._input = ImageInput(1, 1, 1)
        self.whole: Whole = listed.read_whole(pictures, size, channels, self._look)
        checked(self.whole.train, f"{dataset} (train)")
        for split in (self.whole.validation, self.whole.test):
            if split is not None:
                checked(split, dataset, least=1)

    def streamed(self, split: Split) -> Streamed:
        """Return the pictures that a split's stand-ins stand for."""
        both_nb = split.images_nhwc[:, 0, :, 0]
        places = np.ascontiguousarray(both_nb[:, DIGEST:]).view(np.int64)[:, 0]
        entries = tuple(self._entries[place] for place in places)
        return Streamed(entries, self._input, np.ascontiguousarray(both_nb[:, :DIGEST]), self.buffer)

    def compared(self, split: Split) -> Split:
        """Return a split with what is the same for pictures of the same pixels alone."""
        return replace(split, images_nhwc=np.ascontiguousarray(split.images_nhwc[:, :, :DIGEST]))

    def _look(self, entries: Entries, names: tuple[str, ...], shape: ImageInput, dataset: str) -> Split:
        self._input = shape
        found = listed.Found()
        for entry in entries:
            image_hwc = found.read(entry, shape)
            if image_hwc is not None:
                found.images.append(_stand_in(image_hwc, len(self._entries)))
                self._entries.append(entry)
        return found.split(names, dataset)


def _stand_in(image_hwc: NDArray[np.uint8], place: int) -> NDArray[np.uint8]:
    both = _digest(image_hwc) + np.int64(place).tobytes()
    return np.frombuffer(both, np.uint8).reshape(1, DIGEST + PLACE, 1)


def _digest(image_hwc: NDArray[np.uint8]) -> bytes:
    return hashlib.blake2b(image_hwc.tobytes(), digest_size=DIGEST).digest()
