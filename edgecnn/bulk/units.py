"""What a worker does at once and what comes to one part file: a tar archive, row groups of a Parquet file, some files.

A unit has a key that follows from what it is: the names that its rows will have, and size and time of writing of each
file. A file that changed gives another key, so what was answered before it did is not taken for its answer.

Picture files are cut into units where the checksum of a name says so, not after every so many: a picture that comes
into a folder, or leaves it, changes the unit that it lies in and no other.
"""

import hashlib
import json
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from edgecnn.bulk import places
from edgecnn.bulk.places import Stamp
from edgecnn.data.tables import EXPECTED, PICTURES, column_of, picture_of
from edgecnn.errors import DataError, ImageError
from edgecnn.runtime.files import expand
from edgecnn.runtime.image import SUFFIXES
from edgecnn.text import excerpt

TAR, PARQUET = "tar:", "parquet:"
OTHERS = ("csv:", "hf:", "folder:")  # what predict and train list, and nothing here reads
PICTURES_A_UNIT = 2_000  # on average, of files and rows
MOST_FILES = 4 * PICTURES_A_UNIT
ROWS_AT_ONCE = 64
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


def _stamped(place: str, stamp: Stamp) -> tuple[str, int, int]:
    return place, stamp.size, stamp.written_ns


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
            yield _taken(path, str(Path(self.home) / path))


@dataclass(frozen=True)
class Tar:
    """A tar archive; ``place`` is where a worker finds it."""

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
        """Read the archive from one end to the other; where it breaks off, what came before is there."""
        try:
            with places.opened(self.place) as file, tarfile.open(fileobj=file, mode="r|") as archive:
                for member in archive:
                    archive.members = []  # type: ignore[attr-defined]  # or all headers stay in memory
                    if _is_picture(member):
                        taken = archive.extractfile(member)
                        assert taken is not None
                        yield Taken(f"{self.path}#{member.name}", taken.read())
        except (tarfile.TarError, OSError, ValueError, EOFError, UnicodeError) as error:
            said = f"{self.path}: not a tar archive that can be read ({excerpt(str(error))}); expected one that is not"
            yield Taken(self.path, None, f"{said} compressed.")


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
        """Read the rows some at a time; where a row group is broken, each of its other rows has that for an error."""
        first = self.before
        for group, count in enumerate(self.counts, start=self.group):
            row, end = first, first + count
            try:
                for value in _values(self.place, group):
                    yield self._picture(f"{self.path}#{row}", value)
                    row += 1
            except MemoryError:
                raise
            except Exception as error:  # pyarrow raises its own on whatever is broken
                said = f"{self.path}: row group {group:,} cannot be read ({excerpt(str(error))})."
                yield from (Taken(f"{self.path}#{lost}", None, said) for lost in range(row, end))
            first = end

    def _picture(self, name: str, value: Any) -> Taken:
        found = picture_of(value, Path(self.place))
        if isinstance(found, bytes):
            return Taken(name, found)
        if found is None:
            return Taken(name, None, f"{name}: has {type(value).__name__} for a picture; {EXPECTED}.")
        return _taken(name, str(found))


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
        else:
            found += _files(argument)
    return _each_once(found)


def _tars(argument: str) -> Iterator[Unit]:
    for path in _there(argument, TAR, ".tar"):
        yield Tar(argument, path, places.absolute(path), places.stamp(path))


def _there(argument: str, prefix: str, suffix: str) -> list[str]:
    found = places.files(argument.removeprefix(prefix), suffix)
    if not found:
        raise DataError(f"{argument}: no file ends in {suffix}; expected some, such as train-000000{suffix}.")
    lost = next((path for path in found if places.stamp(path) == places.NOTHING), None)
    if lost is not None:
        raise DataError(f"{prefix}{lost}: no such file; expected a file, a pattern, or a folder of {suffix} files.")
    return found


def _row_groups(argument: str) -> Iterator[Unit]:
    for path in _there(argument, PARQUET, ".parquet"):
        counts = _counts(path)
        for first, end in _together(counts):
            some, before = tuple(counts[first:end]), sum(counts[:first])
            yield Rows(argument, path, places.absolute(path), places.stamp(path), first, some, before)


def _counts(path: str) -> list[int]:
    """Return how many rows each row group has. Raises DataError for a file without pictures, or none of Parquet."""
    from pyarrow import parquet

    try:
        with places.opened(path) as file:
            found = parquet.read_metadata(file)
            columns = found.schema.to_arrow_schema().names
    except MemoryError:
        raise
    except Exception as error:  # pyarrow raises its own on whatever is broken
        raise DataError(f"{PARQUET}{path}: cannot be read ({excerpt(str(error))}).") from error
    column_of(columns, PICTURES, f"{PARQUET}{path}", "pictures")
    return [found.row_group(group).num_rows for group in range(found.num_row_groups)]


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


def _values(place: str, group: int) -> Iterator[Any]:
    """Yield what the column of pictures has in a row group."""
    from pyarrow import parquet

    with places.opened(place) as file:
        table = parquet.ParquetFile(file, pre_buffer=False)
        column = column_of(table.schema_arrow.names, PICTURES, place, "pictures")
        for batch in table.iter_batches(ROWS_AT_ONCE, [group], [column], use_threads=False):
            for value in batch.column(0):
                yield value.as_py()


def _files(argument: str) -> Iterator[Unit]:
    home = places.absolute(".")
    for some in cut([str(path) for path in expand([argument])]):
        yield Files(argument, home, tuple((path, places.stamp(path)) for path in some))


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


def _is_picture(member: tarfile.TarInfo) -> bool:
    """Tell the picture of a sample, as training does: its suffix is all that follows the first dot of its name."""
    stem, _, suffix = member.name.rpartition("/")[2].partition(".")
    return member.isreg() and not member.issparse() and bool(stem) and f".{suffix.lower()}" in SUFFIXES


def _taken(name: str, place: str) -> Taken:
    try:
        return Taken(name, places.read(place, name))
    except ImageError as error:
        return Taken(name, None, str(error))
