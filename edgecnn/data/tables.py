"""Tables with pictures inside: Parquet files, and data sets that Hugging Face's ``datasets`` saved to disk.

A column has the pictures (their bytes, or ``bytes`` and ``path`` as Hugging Face has them), another the labels: words,
or numbers with the names that the schema says. The extra ``parquet`` brings pyarrow, which reads both.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edgecnn.data.listed import Entry, Listed
from edgecnn.data.names import normal
from edgecnn.data.parts import Part, divided, part_of
from edgecnn.errors import DataError, missing_package
from edgecnn.runtime.memory import memory_bytes
from edgecnn.text import excerpt

PICTURES = ("image", "img", "picture", "photo", "pixels", "bytes", "path", "file", "file_name")
LABELS = ("label", "labels", "class", "target", "category", "fine_label")
SHARDS = ".parquet"
STATE = "state.json"


def parquet(path: Path) -> Listed:
    """List the pictures of a Parquet file, or of a folder of them. Raises DataError."""
    files = sorted(path.rglob(f"*{SHARDS}")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"parquet:{path}: no file ends in {SHARDS}; expected some, such as train.parquet.")
    return _listed(f"parquet:{path}", [(_part_of_file(file, path), file, _read_parquet(file)) for file in files])


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
    return _listed(f"hf:{path}", [(part, file, _read_stream(file)) for part, file in shards])


def _listed(dataset: str, tables: Sequence[tuple[Part | None, Path, Any]]) -> Listed:
    rows = [(part, *row) for part, file, table in tables for row in _rows(dataset, file, table)]
    if not rows:
        raise DataError(f"{dataset}: no picture in it.")
    given = [normal(name) for _, _, table in tables for name in _names(table) or ()]
    names = tuple(dict.fromkeys(given)) or tuple(sorted({label for _, label, _, _ in rows}))
    places = {name: place for place, name in enumerate(names)}
    entries = [(part, Entry(places[label], picture, said)) for part, label, picture, said in rows]
    return divided(dataset, names, entries, "all rows")


def _rows(dataset: str, file: Path, table: Any) -> Iterator[tuple[str, Path | bytes, str]]:
    """Yield label, picture and what it is called."""
    columns = table.column_names
    pictures, labels = (
        _column(columns, known, dataset, what) for known, what in ((PICTURES, "pictures"), (LABELS, "labels"))
    )
    names = _names(table)
    for row, (picture, label) in enumerate(zip(table[pictures], table[labels], strict=True)):
        said = f"{file.name}, row {row}"
        yield (
            _label(label.as_py(), names, f"{dataset}: {said}"),
            _picture(picture.as_py(), file, f"{dataset}: {said}"),
            said,
        )


def _column(columns: Sequence[str], known: Sequence[str], dataset: str, what: str) -> str:
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


def _picture(value: Any, file: Path, where: str) -> Path | bytes:
    if isinstance(value, dict):
        value = value.get("bytes") or value.get("path")
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return file.parent / value
    raise DataError(
        f"{where} has {type(value).__name__} for a picture; expected the bytes of a picture file, or a path."
    )


def _names(table: Any) -> list[str] | None:
    """Return the names of a column of numbers, from what Hugging Face writes into the schema."""
    try:
        features = json.loads((table.schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError):
        return None
    for name in LABELS:
        found = features.get(name)
        if isinstance(found, dict) and isinstance(found.get("names"), list):
            return [str(one) for one in found["names"]]
    return None


def _part_of_file(file: Path, top: Path) -> Part | None:
    """Return the split that a file is of by its folder or its name, as in train-00000-of-00003.parquet."""
    if file == top:
        return None
    words = (*file.relative_to(top).parts[:-1], file.stem.partition("-")[0].partition(".")[0])
    return next((part for word in reversed(words) if (part := part_of(word)) is not None), None)


def _shards(state: Path) -> list[str]:
    try:
        found = json.loads(state.read_bytes())["_data_files"]
        return [Path(str(one["filename"])).name for one in found]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{state}: broken, or of another version of datasets ({excerpt(str(error))}).") from error


def _read_parquet(file: Path) -> Any:
    arrow = _pyarrow()

    def read() -> Any:
        meta = arrow.parquet.read_metadata(file)
        _see_room(sum(meta.row_group(group).total_byte_size for group in range(meta.num_row_groups)))
        names = meta.schema.to_arrow_schema().names
        wanted = [name for name in (*PICTURES, *LABELS) if name in names]
        return arrow.parquet.read_table(file, columns=wanted or None, partitioning=None)

    return _read(file, read)


def _read_stream(file: Path) -> Any:
    arrow = _pyarrow()

    def read() -> Any:
        _see_room(file.stat().st_size)
        with arrow.OSFile(str(file)) as source:
            return arrow.ipc.open_stream(source).read_all()

    return _read(file, read)


def _read(file: Path, read: Any) -> Any:
    try:
        return read()
    except MemoryError:
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
