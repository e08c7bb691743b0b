"""A table of pictures as text: ``path,label`` or ``path,label,split`` in the first line, a picture in each other one.

Paths are relative to the folder of the file. Commas, semicolons or tabs stand between the columns; other columns are
passed over. What is wrong is named by its line.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgecnn.data.listed import Entry, Listed
from edgecnn.data.names import normal
from edgecnn.data.parts import TEST, TRAIN, VALIDATION, Part, divided, part_of
from edgecnn.errors import DataError
from edgecnn.text import excerpt

PATH, LABEL, SPLIT = "path", "label", "split"
LARGEST = 1_000_000_000  # bytes
DELIMITERS = ",;\t"
EXPECTED = f"expected a first line {PATH},{LABEL} or {PATH},{LABEL},{SPLIT}"


@dataclass(frozen=True)
class _Row:
    line: int
    path: str
    label: str
    split: str | None


def listed(path: Path) -> Listed:
    """List the pictures of a table. Raises DataError."""
    rows = list(_rows(path))
    if not rows:
        raise DataError(f"{path}: has no picture; {EXPECTED}, and one line for each picture.")
    names = tuple(sorted({row.label for row in rows}))
    places = {name: place for place, name in enumerate(names)}
    lost = [row for row in rows if not (path.parent / row.path).is_file()]
    if lost:
        raise DataError(
            f"{path}, line {lost[0].line}: no file {excerpt(str(path.parent / lost[0].path))} ({len(lost):,} of "
            f"{len(rows):,} are not there). Expected paths relative to the folder of the table, or absolute ones."
        )
    entries = ((_part(row, path), _entry(row, path, places)) for row in rows)
    return divided(f"csv:{path}", names, entries, "all lines")


def _rows(path: Path) -> Iterator[_Row]:
    lines = text_of(path).splitlines()
    columns, delimiter = _columns(lines[0] if lines else "", path)
    try:
        reader = csv.reader(lines[1:], delimiter=delimiter, strict=True)
        for cells in reader:
            if cells:
                yield _row(dict(zip(columns, cells, strict=False)), reader.line_num + 1, path, SPLIT in columns)
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num + 1}: no table ({error}); {EXPECTED}.") from error


def _columns(first: str, path: Path) -> tuple[list[str], str]:
    for delimiter in DELIMITERS:
        columns = [cell.strip().strip('"').lower() for cell in first.split(delimiter)]
        if {PATH, LABEL} <= set(columns):
            return columns, delimiter
    raise DataError(f"{path}, line 1: is {excerpt(repr(first))}; {EXPECTED}.")


def _row(cells: dict[str, str], line: int, path: Path, has_split: bool) -> _Row:
    wanted = (PATH, LABEL, *([SPLIT] if has_split else []))
    empty = [column for column in wanted if not cells.get(column, "").strip()]
    if empty:
        raise DataError(f"{path}, line {line}: has no {' and no '.join(empty)}; expected one in each line.")
    found = {column: cells[column].strip() for column in wanted}
    return _Row(line, found[PATH], normal(found[LABEL]), found.get(SPLIT))


def _part(row: _Row, path: Path) -> Part | None:
    if row.split is None:
        return None
    part = part_of(row.split)
    if part is None:
        known = ", ".join((*TRAIN, *VALIDATION, *TEST))
        raise DataError(f"{path}, line {row.line}: the split is {excerpt(repr(row.split))}; expected one of {known}.")
    return part


def _entry(row: _Row, path: Path, places: dict[str, int]) -> Entry:
    picture = path.parent / row.path
    return Entry(places[row.label], picture, str(picture))


def text_of(path: Path, what: str = "a table of paths and labels") -> str:
    """Return the text of a table. Raises DataError where it cannot be read, or is none."""
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path}: more than {LARGEST:,} bytes; expected {what}.")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: no text in UTF-8 ({error.reason}); save the table as UTF-8.") from error
