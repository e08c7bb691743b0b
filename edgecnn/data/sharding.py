"""Write any data set of pictures as tar archives in WebDataset's layout, shuffled: what ``tar:`` reads.

Splits stay as they are: archives are called train-, val- and test-, and where a data set has no test split of its own,
the fifth that is held out of it everywhere is written as such. Pictures are copied byte for byte; arrays, and formats
that have no suffix there, become PNG. A sample is called by its class, its picture's name and a digest of its content,
so that it keeps its name, and with it its part of what is held out by keys, whatever is written anew.

A picture in a file of many is read where that is read from one end to the other, and lies in a file beside until its
turn comes: on the disk there has to be room for twice as much then.
"""

import hashlib
import io
import re
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgecnn import files, progress
from edgecnn.data import boxes_folder, sources
from edgecnn.data.listed import Entries, Entry
from edgecnn.data.read import public_name, read_whole
from edgecnn.data.shards import NAMES, SHARDS
from edgecnn.data.split import SHOWN, Split
from edgecnn.data.streamed import Looked
from edgecnn.errors import DataError
from edgecnn.runtime.image import SUFFIXES, picture_format, read_picture

PARTS = ("train", "val", "test")  # as their archives are called
DIGEST = 4  # bytes of the content that a sample's name has
SPOOL = "pictures"
JPEG, MPO = "jpg", "MPO"


@dataclass(frozen=True)
class Written:
    """One split: its archives, and the pictures in them."""

    split: str
    archives: int
    pictures: int


@dataclass(frozen=True)
class Sharded:
    """What was written into ``folder``. ``skipped`` names the pictures that could not be read."""

    dataset: str
    folder: Path
    seed: int
    classes: tuple[str, ...]
    splits: tuple[Written, ...]
    skipped: tuple[str, ...]


_Contents = Callable[[int], bytes]  # of a picture by its place


@dataclass(frozen=True)
class _Part:
    """A split: labels, what each picture is called, and what reads them, with a folder for files beside."""

    labels: Sequence[int]
    said: Sequence[str]
    opened: Callable[[Path], AbstractContextManager[_Contents]]


def write(
    dataset: str,
    folder: str | Path,
    *,
    shards: int,
    seed: int = 0,
    root: str | Path | None = None,
    on_step: Callable[[str], None] = lambda step: None,
) -> Sharded:
    """Write ``dataset`` into ``folder``, which is not there or empty: ``shards`` archives of training pictures, and of
    the other splits as many as is their share. The same seed writes the same bytes. Raises DataError.
    """
    target = _checked(dataset, folder, shards)
    on_step("reading")
    names, parts, skipped = _parts(dataset, root)
    _check_names(dataset, names)
    count = len(parts["train"].labels)
    if shards > count:
        raise DataError(f"{dataset}: has {count} pictures to learn from; expected at least one for each of {shards}.")
    on_step("writing")
    splits = []
    with files.making_folder(target) as partial:
        (partial / NAMES).write_text("".join(f"{name}\n" for name in names), encoding="utf-8", newline="\n")
        for number, (name, part) in enumerate(parts.items()):
            wanted = max(1, round(shards * len(part.labels) / count))
            order = np.random.default_rng((seed, number)).permutation(len(part.labels))
            _write_split(partial, name, part, names, np.array_split(order, min(wanted, len(order))))
            splits.append(Written(name, min(wanted, len(order)), len(order)))
    return Sharded(public_name(dataset), target, seed, names, tuple(splits), skipped)


def _checked(dataset: str, folder: str | Path, count: int) -> Path:
    if re.match(r"[a-z][a-z0-9+.-]+:/", str(folder)):  # of the two slashes a Path keeps one
        raise DataError(f"{folder}: expected a folder here, which the tools of a store then bring there.")
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"{target}: is there and not empty. Choose another folder with -o.")
    if count < 1:
        raise DataError(f"--shards {count}: expected a positive integer, the number of archives to learn from.")
    if dataset.startswith(sources.FOLDER) and boxes_folder.is_one(sources.path_of(dataset)):
        raise DataError(f"{dataset}: has pictures with boxes; archives hold pictures of classes.")
    return target


def _check_names(dataset: str, names: Sequence[str]) -> None:
    lost = [name for name in names if name != name.strip() or len(name.splitlines()) != 1]
    if lost:
        raise DataError(
            f"{dataset}: the classes {', '.join(map(repr, lost[:SHOWN]))} cannot stand in a file of a name a line; "
            "expected names without spaces at their ends and without line ends."
        )


def _parts(dataset: str, root: str | Path | None) -> tuple[tuple[str, ...], dict[str, _Part], tuple[str, ...]]:
    """Return names of classes, splits, and what could not be read."""
    looked = Looked(dataset, None, None, 1) if sources.prefix_of(dataset) else None
    whole = looked.whole if looked else read_whole(dataset, None, None, root=root)
    splits = zip(PARTS, (whole.train, whole.validation, whole.test), strict=True)
    there = {name: split for name, split in splits if split is not None}
    parts = {
        name: _of_entries(looked.streamed(split).entries) if looked else _of_arrays(split)
        for name, split in there.items()
    }
    return whole.train.names, parts, tuple(dict.fromkeys(text for split in there.values() for text in split.skipped))


def _of_entries(entries: Entries) -> _Part:
    @contextmanager
    def opened(folder: Path) -> Iterator[_Contents]:
        if all(isinstance(entry.picture, Path | bytes) for entry in entries):
            yield lambda place: _content(entries[place])
        else:
            with _spooled(entries, folder / SPOOL) as contents:
                yield contents

    return _Part([entry.label for entry in entries], [entry.said for entry in entries], opened)


def _of_arrays(split: Split) -> _Part:
    @contextmanager
    def opened(folder: Path) -> Iterator[_Contents]:
        yield lambda place: _png(split.images_nhwc[place])

    said = [f"{place:06}" for place in range(len(split))]
    return _Part(split.labels_n.tolist(), said, opened)


def _content(entry: Entry) -> bytes:
    return content.read_bytes() if isinstance(content := entry.content, Path) else content


@contextmanager
def _spooled(entries: Entries, path: Path) -> Iterator[_Contents]:
    """Read all in their order into one file, out of which each is read when its turn comes."""
    starts = [0]
    try:
        with path.open("w+b") as spool:
            for entry in progress.told(entries):
                starts.append(starts[-1] + spool.write(_content(entry)))

            def content(place: int) -> bytes:
                spool.seek(starts[place])
                return spool.read(starts[place + 1] - starts[place])

            yield content
    finally:
        path.unlink(missing_ok=True)


def _write_split(
    folder: Path, name: str, part: _Part, names: Sequence[str], archives: Sequence[NDArray[np.int64]]
) -> None:
    keys: set[str] = set()
    with part.opened(folder) as contents:
        for number, places in enumerate(progress.told(archives, len(part.labels))):
            with tarfile.open(folder / f"{name}-{number:06}{SHARDS}", "w", format=tarfile.PAX_FORMAT) as archive:
                for place in places.tolist():
                    _add(archive, contents(place), part.labels[place], names, part.said[place], keys)


def _add(archive: tarfile.TarFile, content: bytes, label: int, names: Sequence[str], said: str, keys: set[str]) -> None:
    suffix = _suffix(content, said)
    if suffix is None:
        suffix, content = "png", _png(read_picture(content, said).pixels_hwc)
    key = _key(names[label], said, content, keys)
    for name, text in ((f"{key}.{suffix}", content), (f"{key}.cls", str(label).encode())):
        member = tarfile.TarInfo(name)  # of nobody, and of no time
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))


def _key(label: str, said: str, content: bytes, keys: set[str]) -> str:
    """Return a name of its own for a sample."""
    digest = hashlib.blake2b(content, digest_size=DIGEST).hexdigest()
    words = (label, PurePath(said.rpartition(", ")[2]).stem, digest)  # of a file of many what it is called there
    key = first = "-".join(re.sub(r"[^\w=+-]+", "-", word) for word in words)
    times = 1
    while key in keys:
        times += 1
        key = f"{first}-{times}"
    keys.add(key)
    return key


def _suffix(content: bytes, said: str) -> str | None:
    """Return what a picture's file ends in; None where nothing is known of its format. Raises ImageError."""
    kind = picture_format(content, said)
    known = [suffix for suffix, of in Image.registered_extensions().items() if of == kind and suffix in SUFFIXES]
    return JPEG if kind == MPO or f".{JPEG}" in known else known[0][1:] if known else None


def _png(pixels_hwc: NDArray[np.uint8]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels_hwc[..., 0] if pixels_hwc.shape[2] == 1 else pixels_hwc).save(content, "PNG")
    return content.getvalue()
