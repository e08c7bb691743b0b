"""Pictures in tar archives, in WebDataset's layout: ``train-000000.tar`` with ``0001.jpg``, ``0001.cls``, ``0002.jpg``.

Members that follow each other under one name, up to its first dot, are one sample: a picture, and its label as a number
or a word in ``.cls`` or ``.txt``, or as ``label`` in ``.json``. ``classes.txt`` beside the archives names the numbers,
one name a line. Archives are named like the splits; what is not there is held out by the samples' keys: whatever
archives are added, a sample stays in the split that it was in.

Headers alone are read when they are listed; a picture is read from its place in the archive when it is wanted.
"""

import contextlib
import hashlib
import io
import json
import tarfile
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import IO

from edgecnn.data.listed import Entry, Listed
from edgecnn.data.names import normal
from edgecnn.data.parts import Part, divided, part_of_file
from edgecnn.data.stores import AHEAD, Location, files_below, opened, read_range
from edgecnn.data.whole import Sources
from edgecnn.errors import DataError, ImageError
from edgecnn.runtime.image import SUFFIXES
from edgecnn.text import excerpt

SHARDS, NAMES = ".tar", "classes.txt"
LABELS = ("cls", "txt", "json")
LARGEST_LABEL = 1 << 20  # bytes
TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1  # of all keys, and of those that are left
BY_KEY = "{} by key"
BROKEN = (tarfile.TarError, OSError, ValueError, EOFError, UnicodeError)  # what reading an archive may raise


@dataclass(frozen=True, slots=True)
class Member:
    """A picture in an archive: where its bytes lie."""

    file: Location
    offset: int
    size: int

    @property
    def unit(self) -> object:
        """What is read from one end to the other: the archive."""
        return self.file

    def read(self) -> bytes:
        """Return the bytes. Raises ImageError, and DataError where an archive that lies elsewhere is not reached."""
        try:
            content = read_range(self.file, self.offset, self.size)
        except OSError as error:
            raise ImageError(f"{self.file}: cannot be read ({error.strerror or error}).") from error
        if len(content) < self.size:
            raise ImageError(f"{self.file}: ends before the picture at byte {self.offset:,} does.")
        return content


_Found = tuple[str, str, Member, bytes | None]


@dataclass
class _Sample:
    key: str
    said: str
    pictures: list[Member] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)


def listed(path: Location) -> Listed:
    """List the pictures of an archive, or of a folder of them. Raises DataError."""
    files = files_below(path, SHARDS)
    if not files:
        raise DataError(f"tar:{path}: no file ends in {SHARDS}; expected some, such as train-000000.tar.")
    found = [(part_of_file(file, path), sample) for file in files for sample in _samples(file)]
    if not found:
        raise DataError(f"tar:{path}: no sample in it; expected members such as 0001.jpg with 0001.cls.")
    given = _given(path.parent if files == [path] else path)
    labels = [_named(sample, given) for _, sample in found]
    names = tuple(given) or tuple(sorted(set(labels), key=_as_number))
    places = {name: place for place, name in enumerate(names)}
    rows = [
        (part, sample.key, Entry(places[label], sample.pictures[0], sample.said))
        for (part, sample), label in zip(found, labels, strict=True)
    ]
    return _divided(f"tar:{path}", names, rows)


def share_of(key: str) -> float:
    """Return where a sample stands among all, in 0..1, by its key alone.

    >>> round(share_of("0001"), 3) == round(share_of("0001"), 3), 0 <= share_of("0002") < 1
    (True, True)
    """
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) / 2**64


def _divided(dataset: str, names: tuple[str, ...], rows: list[tuple[Part | None, str, Entry]]) -> Listed:
    """Take the splits that there are, and hold out what is not there. Beside train alone, validation is the test
    split."""
    there = {part for part, _, _ in rows}
    as_test = "validation" if there == {"train", "validation"} else "test"
    holds_test, holds_validation = there <= {None, "train"}, there != {"train", "validation", "test"}

    def part_of_key(part: Part | None, key: str) -> Part | None:
        if part == as_test:
            return "test"
        if part not in (None, "train"):
            return part
        share = share_of(key)
        if holds_test:
            if share < TEST_SHARE:
                return "test"
            share = (share - TEST_SHARE) / (1 - TEST_SHARE)
        return "validation" if holds_validation and share < VALIDATION_SHARE else part or "train"

    found = divided(dataset, names, [(part_of_key(part, key), entry) for part, key, entry in rows], "all samples")
    if not found.train or not found.test or not found.validation:
        raise DataError(
            f"{dataset}: {len(rows)} samples are too few to hold out some by their keys. Bring archives of all splits "
            "(train-000000.tar, val-000000.tar, test-000000.tar), or more samples."
        )
    sources = Sources(
        "train" if "train" in there else "the rest",
        BY_KEY.format("a tenth of the rest") if holds_validation else "validation",
        BY_KEY.format("a fifth") if holds_test else as_test,
    )
    return replace(found, sources=sources)


def _samples(file: Location) -> Iterator[_Sample]:
    """Yield the samples of an archive. Raises DataError for one that is broken, or no sample."""
    with contextlib.closing(_members(file)) as found:
        for key, members in groupby(found, key=lambda member: member[0]):
            yield _sample(_Sample(key, f"{file.name}, {excerpt(key)}"), members)


def _sample(sample: _Sample, members: Iterable[_Found]) -> _Sample:
    """Fill in what belongs to one key."""
    for _, suffix, picture, label in members:
        if _is_picture(suffix):
            sample.pictures.append(picture)
        elif label is not None:
            sample.labels.append(_label(label, suffix, sample.said))
    if len(sample.pictures) != 1 or not sample.labels:
        there = f"{len(sample.pictures)} pictures and {'a' if sample.labels else 'no'} label"
        raise DataError(f"{sample.said}: has {there}; expected one picture, and a label in .cls, .txt or .json.")
    return sample


def _members(file: Location) -> Generator[_Found, None, None]:
    """Yield key, suffix, place and, of a label, content of each regular file."""
    try:
        with opened(file) as stream:
            for key, suffix, member in _regular(stream):
                is_label = suffix in LABELS and member.size <= LARGEST_LABEL
                label = _content(stream, member) if is_label else None
                yield key, suffix, Member(file, member.offset_data, member.size), label
    except BROKEN as error:
        raise DataError(broken(file, error)) from error


def pictures(file: Location) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each picture in an archive, read from one end to the other.

    Raises one of BROKEN where it breaks off or is no archive, and DataError for one that lies elsewhere and is not
    reached.
    """
    with opened(file, AHEAD) as stream:
        for _, suffix, member in _regular(stream):
            if _is_picture(suffix):
                yield member.name, _content(stream, member)


def broken(file: Location | str, error: Exception) -> str:
    """Say that an archive is broken, or none."""
    said = excerpt(str(error))
    return f"{file}: not a tar archive that can be read ({said}); expected one that is not compressed."


def _regular(stream: IO[bytes]) -> Iterator[tuple[str, str, tarfile.TarInfo]]:
    """Yield key, suffix and header of each regular file that can belong to a sample."""
    end = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    with tarfile.open(fileobj=stream, mode="r:") as archive:
        for member in archive:
            archive.members = []  # type: ignore[attr-defined]  # or all headers stay in memory
            folder, _, name = member.name.rpartition("/")
            stem, _, suffix = name.partition(".")
            if member.isreg() and not member.issparse() and stem and suffix:
                if end < member.offset_data + member.size:
                    raise tarfile.ReadError("unexpected end of data")  # before as much memory is asked for
                yield f"{folder}/{stem}" if folder else stem, suffix.lower(), member


def _is_picture(suffix: str) -> bool:
    """Tell the picture of a sample: its suffix is all that follows the first dot of its name."""
    return f".{suffix}" in SUFFIXES


def _content(stream: IO[bytes], member: tarfile.TarInfo) -> bytes:
    stream.seek(member.offset_data)
    return stream.read(member.size)


def _label(content: bytes, suffix: str, said: str) -> str:
    try:
        text = content.decode("utf-8").strip()
        if suffix == "json":
            text = str(json.loads(text)["label"])
        if not text or "\n" in text:
            raise ValueError("expected one number or word")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{said}: the label in .{suffix} cannot be read ({excerpt(repr(error))}).") from error
    return normal(text)


def _given(folder: Location) -> list[str]:
    """Return the names that stand beside the archives, or none."""
    try:
        lines = (folder / NAMES).read_bytes().decode("utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{folder / NAMES}: cannot be read ({error}); expected UTF-8, a name a line.") from error
    names = [normal(line.strip()) for line in lines if line.strip()]
    if len(set(names)) < len(names):
        raise DataError(f"{folder / NAMES}: has a name twice; expected one for each class.")
    return names


def _named(sample: _Sample, given: list[str]) -> str:
    label = sample.labels[0]
    if not given or label in given:
        return label
    if label.isdecimal() and int(label) < len(given):
        return given[int(label)]
    raise DataError(
        f"{sample.said}: the label is {excerpt(repr(label))}; expected one of the {len(given)} names in {NAMES}, or "
        f"0..{len(given) - 1}."
    )


def _as_number(name: str) -> tuple[int, str]:
    """Sort numbers by what they are worth, before words."""
    return (int(name), "") if name.isdecimal() and len(name) < 10 else (10**10, name)
