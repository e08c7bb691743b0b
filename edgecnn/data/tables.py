"""Tables with pictures inside: Parquet files, and data sets that Hugging Face's ``datasets`` saved to disk.

A column has the pictures (their bytes, or ``bytes`` and ``path`` as Hugging Face has them), another the labels: words,
or numbers with the names that the schema says. The extra ``parquet`` brings pyarrow, which reads both. Of a Parquet
file the labels alone are read when it is listed, and pictures some at a time when they are wanted.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from edgecnn.data import stores
from edgecnn.data.listed import Entry, Listed, Stored
from edgecnn.data.names import normal
from edgecnn.data.parts import Part, divided, part_of, part_of_file
from edgecnn.data.stores import AHEAD, AHEAD_OF_HEADERS, Location, Remote, files_below
from edgecnn.errors import DataError, EdgecnnError, ImageError, missing_package
from edgecnn.runtime.memory import memory_bytes
from edgecnn.text import excerpt

PICTURES = ("image", "img", "picture", "photo", "pixels", "bytes", "path", "file", "file_name")
LABELS = ("label", "labels", "class", "target", "category", "fine_label")
SHARDS = ".parquet"
STATE = "state.json"
ROWS = 64  # that are read at once, of pictures
EXPECTED = "expected the bytes of a picture file, or a path"


def parquet(path: Location) -> Listed:
    """List the pictures of a Parquet file, or of a folder of them. Raises DataError."""
    files = files_below(path, SHARDS)
    if not files:
        raise DataError(f"parquet:{path}: no file ends in {SHARDS}; expected some, such as train.parquet.")
    reader = _Reader()
    return _listed(f"parquet:{path}", [(part_of_file(file, path), _File(file, reader)) for file in files])


def saved(path: Path) -> Listed:
    """List the pictures of a Dataset or DatasetDict that ``save_to_disk`` wrote. Raises DataError."""
    states = sorted((*path.glob(STATE), *path.glob(f"*/{STATE}")))
    if not states:
        raise DataError(
            f"hf:{path}: no {STATE} in it; expected a folder that save_to_disk of Hugging Face's datasets wrote."
        )
    shards = [
        (None if state.parent == path else part_of(state.parent.name), state.parent / name)
        for state in states
        for name in _shards(state)
    ]
    return _listed(f"hf:{path}", [(part, _Saved(file)) for part, file in shards])


def _listed(dataset: str, tables: "Sequence[tuple[Part | None, _File | _Saved]]") -> Listed:
    rows = [(part, *row) for part, table in tables for row in _rows(dataset, table)]
    if not rows:
        raise DataError(f"{dataset}: no picture in it.")
    given = [normal(name) for _, table in tables for name in _names(table.schema) or ()]
    names = tuple(dict.fromkeys(given)) or tuple(sorted({label for _, label, _, _ in rows}))
    places = {name: place for place, name in enumerate(names)}
    entries = [(part, Entry(places[label], picture, said)) for part, label, picture, said in rows]
    return divided(dataset, names, entries, "all rows")


def _rows(dataset: str, table: "_File | _Saved") -> Iterator[tuple[str, Path | bytes | Stored, str]]:
    """Yield label, picture and what it is called."""
    columns = table.schema.names
    pictures, labels = (
        column_of(columns, known, dataset, what) for known, what in ((PICTURES, "pictures"), (LABELS, "labels"))
    )
    names = _names(table.schema)
    there = table.pictures(pictures, f"{dataset}: {table.file.name}")
    for row, (picture, label) in enumerate(zip(there, table.labels(labels), strict=True)):
        said = f"{table.file.name}, row {row}"
        yield _label(label.as_py(), names, f"{dataset}: {said}"), picture, said


class _Saved:
    """A table in Arrow's stream format, read as a whole."""

    def __init__(self, file: Path) -> None:
        self.file, self._table = file, _read_stream(file)
        self.schema = self._table.schema

    def labels(self, column: str) -> Iterable[Any]:
        """Return the values of a column."""
        found: Iterable[Any] = self._table[column]
        return found

    def pictures(self, column: str, where: str) -> Iterator[Path | bytes]:
        """Yield the pictures of a column. Raises DataError for what is none."""
        for row, picture in enumerate(self._table[column]):
            found = picture_of(picture.as_py(), self.file)
            if found is None:
                raise DataError(f"{where}, row {row} has {type(picture.as_py()).__name__} for a picture; {EXPECTED}.")
            yield found


class _File:
    """A Parquet file, of which labels are read and pictures are left where they are."""

    def __init__(self, file: Location, reader: "_Reader") -> None:
        self.file, self._reader, self._arrow = file, reader, _pyarrow()
        self._metadata = _read(file, lambda: self._arrow.parquet.read_metadata(_source(file)))
        self.schema = _read(file, self._metadata.schema.to_arrow_schema)

    def labels(self, column: str) -> Iterable[Any]:
        """Return the values of a column. Raises DataError."""

        def read() -> Any:
            _see_room(sum(self._size(group, column) for group in range(self._metadata.num_row_groups)))
            return self._arrow.parquet.read_table(_source(self.file), columns=[column], partitioning=None)[column]

        found: Iterable[Any] = _read(self.file, read)
        return found

    def pictures(self, column: str, where: str) -> "Iterator[_Row]":
        """Yield where each picture of a column lies. Raises DataError where they cannot be pictures."""
        kind, types = self.schema.field(column).type, self._arrow.types
        known = (types.is_binary, types.is_large_binary, types.is_string, types.is_large_string, types.is_struct)
        if not any(is_one(kind) for is_one in known):
            raise DataError(f"{where} has {excerpt(str(kind))} for a picture; {EXPECTED}.")
        for group, count in enumerate(self.group_sizes()):
            for row in range(count):
                yield _Row(self._reader, self.file, column, group, row)

    def group_sizes(self) -> list[int]:
        """Return how many rows each row group has."""
        return [self._metadata.row_group(group).num_rows for group in range(self._metadata.num_row_groups)]

    def _size(self, group: int, column: str) -> int:
        found = self._metadata.row_group(group)
        chunks = (found.column(index) for index in range(found.num_columns))
        return sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema.split(".")[0] == column)


@dataclass(frozen=True, slots=True)
class _Row:
    """A picture in a Parquet file: its row of a row group."""

    reader: "_Reader"
    file: Location
    column: str
    group: int
    row: int

    @property
    def unit(self) -> object:
        """What is read from one end to the other: the row group."""
        return self.file, self.group

    def read(self) -> Path | bytes:
        """Return the picture's bytes, or the file that the row names. Raises ImageError."""
        try:
            value = self.reader.value(self)
        except (EdgecnnError, MemoryError):
            raise
        except Exception as error:  # pyarrow raises its own on whatever is broken
            raise ImageError(f"{self.file}: cannot be read ({excerpt(str(error))}).") from error
        found = picture_of(value, self.file)
        if found is None:
            raise ImageError(f"{self.file}: has {type(value).__name__} for a picture; {EXPECTED}.")
        return found


class _Reader:
    """Reads rows one after the other, some at a time, and keeps no more of them; backwards it begins anew."""

    def __init__(self) -> None:
        self._where: tuple[Location, str, int] | None = None
        self._batches: Iterator[Any] = iter(())
        self._values: Any = ()
        self._start = 0

    def value(self, wanted: _Row) -> Any:
        """Return the value of a row."""
        where = (wanted.file, wanted.column, wanted.group)
        if where != self._where or wanted.row < self._start:
            self._where, self._values, self._start = None, (), 0
            table = _opened(wanted.file)
            self._batches = table.iter_batches(ROWS, [wanted.group], [wanted.column], use_threads=False)
            self._where = where
        while wanted.row >= self._start + len(self._values):
            self._start += len(self._values)
            self._values = next(self._batches).column(0)
        return self._values[wanted.row - self._start].as_py()


def group_sizes(file: Location, said: str) -> list[int]:
    """Return how many rows each row group of a Parquet file has. Raises DataError for one that cannot be read, or
    without a column of pictures."""
    table = _File(file, _Reader())
    column_of(table.schema.names, PICTURES, said, "pictures")
    return table.group_sizes()


def values(file: Location, group: int) -> Iterator[Any]:
    """Yield what the column of pictures has in a row group.

    Raises DataError where the file lies elsewhere and is not reached, and whatever pyarrow does for what is broken.
    """
    table = _opened(file)
    column = column_of(table.schema_arrow.names, PICTURES, str(file), "pictures")
    for batch in table.iter_batches(ROWS, [group], [column], use_threads=False):
        for value in batch.column(0):
            yield value.as_py()


def column_of(columns: Sequence[str], known: Sequence[str], dataset: str, what: str) -> str:
    """Return the first of the ``known`` names that a table has a column of. Raises DataError where it has none."""
    found = [name for name in known if name in columns]
    if not found:
        raise DataError(
            f"{dataset}: has columns {excerpt(', '.join(columns))}, none with {what}; expected one called "
            f"{', '.join(known[:-1])} or {known[-1]}."
        )
    return found[0]


def _label(value: Any, names: Sequence[str] | None, where: str) -> str:
    if names is not None and isinstance(value, int) and 0 <= value < len(names):
        return normal(names[value])
    if value is None or names is not None or not isinstance(value, str | int):
        raise DataError(f"{where} has the label {excerpt(repr(value))}; expected a word, or a number that has a name.")
    return normal(str(value))


def picture_of(value: Any, file: Location) -> Path | bytes | None:
    """Return the bytes or the file that a value stands for; None for what is no picture. Raises DataError."""
    found = content_of(value)
    return _beside(file, found) if isinstance(found, str) else found


def content_of(value: Any) -> bytes | str | None:
    """Return the bytes of a picture or the name of its file, whichever a value has; None for what is no picture."""
    if isinstance(value, dict):
        value = value.get("bytes") or value.get("path")
    return value if isinstance(value, bytes | str) else None


def _opened(file: Location) -> Any:
    """Return a Parquet file whose pictures are read some at a time. Raises DataError."""
    return _pyarrow().parquet.ParquetFile(_source(file, AHEAD), pre_buffer=False, buffer_size=1 << 16)


def _source(file: Location, ahead: int = AHEAD_OF_HEADERS) -> Path | IO[bytes]:
    """Return what pyarrow reads: a path as it is. Raises DataError."""
    return stores.opened(file, ahead) if isinstance(file, Remote) else file


def _beside(file: Location, name: str) -> Path | bytes:
    """Return the file that is named in another one, or of a store its bytes. Raises DataError."""
    if not isinstance(file, Remote):
        return file.parent / name
    picture = file.parent / name
    try:
        return picture.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{file}: names {excerpt(str(picture))}, which is not there.") from error


def _names(schema: Any) -> list[str] | None:
    """Return the names of a column of numbers, from what Hugging Face writes into the schema."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError):
        return None
    for name in LABELS:
        found = features.get(name)
        if isinstance(found, dict) and isinstance(found.get("names"), list):
            return [str(one) for one in found["names"]]
    return None


def _shards(state: Path) -> list[str]:
    try:
        found = json.loads(state.read_bytes())["_data_files"]
        return [Path(str(one["filename"])).name for one in found]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{state}: broken, or of another version of datasets ({excerpt(str(error))}).") from error


def _read_stream(file: Path) -> Any:
    arrow = _pyarrow()

    def read() -> Any:
        _see_room(file.stat().st_size)
        with arrow.OSFile(str(file)) as source:
            return arrow.ipc.open_stream(source).read_all()

    return _read(file, read)


def _read(file: Location, read: Any) -> Any:
    try:
        return read()
    except (EdgecnnError, MemoryError):
        raise
    except Exception as error:  # pyarrow raises its own on whatever is broken
        raise DataError(f"{file}: cannot be read ({excerpt(str(error))}).") from error


def _see_room(size: int) -> None:
    memory = memory_bytes()
    if size > memory:
        raise ValueError(f"{size / 1e9:,.1f} GB unpacked, this machine has {memory / 1e9:,.1f} GB of memory")


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise missing_package("pyarrow") from error
    return pyarrow
