"""What a worker does at once and what comes to one part file: a tar archive, row groups of a Parquet file, some files.

A unit has a key that follows from what it is: the names that its rows will have, and size and time of writing of each
file. A file that changed gives another key, so what was answered before it did is not taken for its answer.

Picture files are cut into units where the checksum of a name says so, not after every so many: a picture that comes
into a folder, or leaves it, changes the unit that it lies in and no other.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from edgecnn.data import shards, stores, tables
from edgecnn.data.stores import Location, Stamp, location
from edgecnn.errors import DataError, EdgecnnError
from edgecnn.runtime.files import expand
from edgecnn.text import excerpt

TAR, PARQUET = "tar:", "parquet:"
OTHERS = ("csv:", "hf:", "folder:")  # what predict and train list, and nothing here reads
PICTURES_A_UNIT = 2_000  # on average, of files and rows
MOST_FILES = 4 * PICTURES_A_UNIT
KEY_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Taken:
    """A picture as it is taken out of its unit: the name that its row has, and its bytes, or why there are none."""

    path: str
    content: bytes | None
    error: str | None = None


class Unit(Protocol):
    """What a worker does at once."""

    @property
    def source(self) -> str:
        """The argument that it comes from."""

    @property
    def said(self) -> str:
        """What messages call it."""

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits that follow from what it is."""

    def pictures(self) -> Iterator[Taken]:
        """Yield each picture once, in order; what cannot be read as one with an error."""


def _key(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:KEY_DIGITS]


def _stamped(place: str, stamp: Stamp) -> tuple[str, int, int | str]:
    return place, stamp.size, stamp.written


@dataclass(frozen=True)
class Files:
    """Picture files, each with its stamp; ``home`` is the folder from which their paths are meant."""

    source: str
    home: str
    stamped: tuple[tuple[str, Stamp], ...]

    @property
    def said(self) -> str:
        first, *others = [path for path, _ in self.stamped]
        return f"{first} and {len(others):,} more" if others else first

    @property
    def key(self) -> str:
        return _key("files", [_stamped(*one) for one in self.stamped])

    def pictures(self) -> Iterator[Taken]:
        for path, _ in self.stamped:
            yield _taken(path, Path(self.home) / path)


@dataclass(frozen=True)
class Tar:
    """A tar archive; ``place`` is where a worker finds it: a path or an address."""

    source: str
    path: str
    place: str
    stamp: Stamp

    @property
    def said(self) -> str:
        return self.path

    @property
    def key(self) -> str:
        return _key("tar", _stamped(self.path, self.stamp))

    def pictures(self) -> Iterator[Taken]:
        """Read the archive from one end to the other; where it breaks off, what came before is there.

        Raises DataError where it lies elsewhere and is not reached.
        """
        try:
            for name, content in shards.pictures(location(self.place)):
                yield Taken(f"{self.path}#{name}", content)
        except shards.BROKEN as error:
            yield Taken(self.path, None, shards.broken(self.path, error))


@dataclass(frozen=True)
class Rows:
    """Row groups of a Parquet file: the number of the first one, how many rows each has, and how many are before."""

    source: str
    path: str
    place: str
    stamp: Stamp
    group: int
    counts: tuple[int, ...]
    before: int

    @property
    def said(self) -> str:
        return f"{self.path}, row groups {self.group:,} to {self.group + len(self.counts) - 1:,}"

    @property
    def key(self) -> str:
        return _key("rows", _stamped(self.path, self.stamp), self.group, self.counts)

    def pictures(self) -> Iterator[Taken]:
        """Read the rows some at a time; where a row group is broken, each of its other rows has that for an error.

        Raises DataError where the file lies elsewhere and is not reached.
        """
        place, first = location(self.place), self.before
        for group, count in enumerate(self.counts, start=self.group):
            row, end = first, first + count
            try:
                for value in tables.values(place, group):
                    yield self._picture(f"{self.path}#{row}", value, place)
                    row += 1
            except (EdgecnnError, MemoryError):
                raise
            except Exception as error:  # pyarrow raises its own on whatever is broken
                said = f"{self.path}: row group {group:,} cannot be read ({excerpt(str(error))})."
                yield from (Taken(f"{self.path}#{lost}", None, said) for lost in range(row, end))
            first = end

    def _picture(self, name: str, value: Any, place: Location) -> Taken:
        found = tables.content_of(value)
        if found is None:
            return Taken(name, None, f"{name}: has {type(value).__name__} for a picture; {tables.EXPECTED}.")
        return Taken(name, found) if isinstance(found, bytes) else _taken(name, place.parent / found)


def units_of(arguments: Sequence[str]) -> list[Unit]:
    """List what there is to do, each picture file once. Raises DataError, and MissingPackageError without pyarrow."""
    found: list[Unit] = []
    for argument in arguments:
        if argument.startswith(TAR):
            found += _tars(argument)
        elif argument.startswith(PARQUET):
            found += _row_groups(argument)
        elif argument.startswith(OTHERS) and not Path(argument).exists():
            raise DataError(f"{argument}: is not read in bulk; expected folders, files, patterns, {TAR} or {PARQUET}.")
        elif stores.is_address(argument):
            raise DataError(f"{argument}: picture files are read on this machine; expected a path, or {TAR}{argument}.")
        else:
            found += _files(argument)
    return _each_once(found)


def _tars(argument: str) -> Iterator[Unit]:
    for place, stamp in _there(argument, TAR, shards.SHARDS):
        yield Tar(argument, str(place), stores.absolute(place), stamp)


def _there(argument: str, prefix: str, suffix: str) -> list[tuple[Location, Stamp]]:
    found = [(place, stores.stamp(place)) for place in stores.files_meant(argument.removeprefix(prefix), suffix)]
    if not found:
        raise DataError(f"{argument}: no file ends in {suffix}; expected some, such as train-000000{suffix}.")
    lost = next((place for place, stamp in found if stamp == stores.NOTHING), None)
    if lost is not None:
        raise DataError(f"{prefix}{lost}: no such file; expected a file, a pattern, or a folder of {suffix} files.")
    return found


def _row_groups(argument: str) -> Iterator[Unit]:
    for place, stamp in _there(argument, PARQUET, tables.SHARDS):
        counts = tables.group_sizes(place, f"{PARQUET}{place}")
        for first, end in _together(counts):
            some, before = tuple(counts[first:end]), sum(counts[:first])
            yield Rows(argument, str(place), stores.absolute(place), stamp, first, some, before)


def _together(counts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield from where to where row groups are one unit.

    >>> list(_together([1500, 900, 3000, 10]))
    [(0, 2), (2, 3), (3, 4)]
    """
    first, rows = 0, 0
    for group, count in enumerate(counts):
        rows += count
        if rows >= PICTURES_A_UNIT or group == len(counts) - 1:
            yield first, group + 1
            first, rows = group + 1, 0


def _files(argument: str) -> Iterator[Unit]:
    home = stores.absolute(Path())
    for some in cut([str(path) for path in expand([argument])]):
        yield Files(argument, home, tuple((path, stores.stamp(Path(path))) for path in some))


def cut(paths: Iterable[str], average: int = PICTURES_A_UNIT, most: int = MOST_FILES) -> Iterator[list[str]]:
    """Yield paths in order, some at a time: ``average`` of them in the mean, never more than ``most``."""
    some: list[str] = []
    for path in paths:
        some.append(path)
        if zlib.crc32(path.encode(errors="surrogateescape")) % average == 0 or len(some) == most:
            yield some
            some = []
    if some:
        yield some


def _each_once(units: Sequence[Unit]) -> list[Unit]:
    """Return the units without what an earlier one has: a shard that two arguments name, a file of two patterns."""
    kept: dict[str, Unit] = {}
    seen: set[str] = set()
    for unit in units:
        if isinstance(unit, Files):
            new = tuple(one for one in unit.stamped if one[0] not in seen)
            seen.update(path for path, _ in new)
            if not new:
                continue
            unit = Files(unit.source, unit.home, new)
        kept.setdefault(unit.key, unit)
    return list(kept.values())


def _taken(name: str, place: Location) -> Taken:
    """Read a picture file, which messages call ``name``. Raises DataError for one that is not reached elsewhere."""
    if isinstance(place, Path) and place.is_dir():
        return Taken(name, None, f"{name}: no pictures in this folder; expected files such as .png or .jpg.")
    try:
        return Taken(name, place.read_bytes())
    except OSError as error:
        return Taken(name, None, f"{name}: cannot be read ({error.strerror or error}).")
