"""Slices: named sets of the images of a split, as a table of text has them.

The first line is ``index,slice`` or ``path,slice``, and each other one puts an image into a slice: by its place in the
split, which is how flips name it, or by its file, relative to the folder of the table. An image may be in several
slices, or in none.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn.data.csv_file import DELIMITERS, text_of
from edgecnn.errors import DataError
from edgecnn.text import excerpt

INDEX, PATH, SLICE = "index", "path", "slice"
EXPECTED = f"expected a first line {INDEX},{SLICE} or {PATH},{SLICE}"

Row = tuple[int, str, str]  # its line, the image, the slice


def read_slices(file: str | Path, images: int, files: Sequence[str], split: str) -> dict[str, NDArray[np.int64]]:
    """Return the places of the images of each slice, by its name.

    ``files`` are those that the ``images`` of the ``split`` come from, or nothing where they come as arrays. Raises
    DataError for what is no such table, and for an image that is not in the split.
    """
    file = Path(file)
    lines = text_of(file, "a table of images and slices").splitlines()
    key, delimiter, order = _header(lines[0] if lines else "", file)
    rows = list(_rows(lines[1:], delimiter, order, file, key))
    if not rows:
        raise DataError(f"{file}: puts no image into a slice; {EXPECTED}, and one line for each image of a slice.")
    places = _by_index(rows, images, file, split) if key == INDEX else _by_path(rows, files, file, split)
    found: dict[str, dict[int, int]] = {}
    for (line, image, name), place in zip(rows, places, strict=True):
        lines_of = found.setdefault(name, {})
        if place in lines_of:
            raise DataError(
                f"{file}, line {line}: image {excerpt(image)} is in slice {excerpt(name)} already, by line "
                f"{lines_of[place]}. An image counts once in a slice; take one of the lines out."
            )
        lines_of[place] = line
    return {name: np.array(sorted(lines_of), np.int64) for name, lines_of in found.items()}


def _header(first: str, file: Path) -> tuple[str, str, list[str]]:
    """Return what names the images, what stands between the columns, and their order. Raises DataError."""
    delimiter = next((mark for mark in DELIMITERS if mark in first), DELIMITERS[0])
    columns = [cell.strip().strip('"').lower() for cell in first.split(delimiter)]
    strange = [column for column in columns if column not in (INDEX, PATH, SLICE)]
    if strange:
        raise DataError(f"{file}, line 1: has a column {excerpt(repr(strange[0]))}; {EXPECTED}, and nothing else.")
    keys = [key for key in (INDEX, PATH) if key in columns]
    if sorted(columns) not in ([INDEX, SLICE], [PATH, SLICE]):
        raise DataError(f"{file}, line 1: is {excerpt(repr(first))}; {EXPECTED}.")
    return keys[0], delimiter, columns


def _rows(lines: list[str], delimiter: str, order: list[str], file: Path, key: str) -> list[Row]:
    found: list[Row] = []
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            line, row = reader.line_num + 1, dict(zip(order, (cell.strip() for cell in cells), strict=False))
            if not cells:
                continue
            if len(cells) > len(order):
                raise DataError(
                    f"{file}, line {line}: has {len(cells)} cells; expected two, {order[0]} and {order[1]}."
                )
            empty = [column for column in order if not row.get(column)]
            if empty:
                raise DataError(f"{file}, line {line}: has no {' and no '.join(empty)}; expected one in each line.")
            found.append((line, row[key], row[SLICE]))
    except csv.Error as error:
        raise DataError(f"{file}, line {reader.line_num + 1}: no table ({error}); {EXPECTED}.") from error
    return found


def _by_index(rows: Sequence[Row], images: int, file: Path, split: str) -> list[int]:
    for line, image, _ in rows:
        if not (image.isascii() and image.isdigit() and len(image) < 10 and int(image) < images):
            raise DataError(
                f"{file}, line {line}: the index is {excerpt(repr(image))}; the {split} has images 0..{images - 1}."
            )
    return [int(image) for _, image, _ in rows]


def _by_path(rows: Sequence[Row], files: Sequence[str], file: Path, split: str) -> list[int]:
    if not files:
        raise DataError(f"{file}: names images by path, and the {split} has no files. Name them by index, from 0.")
    place_of = {Path(name).resolve(): place for place, name in enumerate(files)}
    places = [place_of.get(_resolved(file.parent / image)) for _, image, _ in rows]
    lost = [row for row, place in zip(rows, places, strict=True) if place is None]
    if lost:
        line, image, _ = lost[0]
        raise DataError(
            f"{file}, line {line}: no image of the {split} comes from {excerpt(str(file.parent / image))} "
            f"({len(lost):,} of {len(rows):,} lines name none). Expected paths relative to the folder of the table, or "
            f"absolute ones, such as {excerpt(str(Path(files[0]).resolve()))}."
        )
    return [place for place in places if place is not None]


def _resolved(path: Path) -> Path:
    """Return where a path leads; itself where it is none, as with a NUL in it."""
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError):  # the last one is a loop of links, before Python 3.13
        return path
