"""Boxes in YOLO's text files, one per picture: ``class x y width height`` per line, of the center, all as fractions.

The labels of ``images/…/name.jpg`` are in ``labels/…/name.txt``, those of pictures elsewhere beside them; a picture
without such a file shows nothing. The names of the classes are in ``classes.txt`` (or ``obj.names``), one per line, or
in the ``names`` of ``data.yaml``; else they are numbers.
"""

import math
import re
from collections import defaultdict
from pathlib import Path

from edgecnn.data.boxes_coco import PartOf
from edgecnn.data.boxes_labels import Label, LabeledPicture, Labels, Part
from edgecnn.errors import DataError
from edgecnn.runtime.pictures import listing
from edgecnn.text import excerpt

IMAGES, LABELS = "images", "labels"
NAMES = ("classes.txt", "obj.names")
MOST_CLASSES = 10_000


def is_one(path: Path) -> bool:
    """Tell a folder of YOLO's by ``labels`` beside ``images``, at the top or in parts, or by its list of names."""
    tops = [path, *(child for child in path.glob("*") if child.is_dir())]
    return any((top / IMAGES).is_dir() and (top / LABELS).is_dir() for top in tops) or any(
        (path / name).is_file() for name in (*NAMES, "data.yaml")
    )


def read(path: Path, part_of: PartOf) -> Labels:
    """Read the labels of all pictures. Raises DataError."""
    listed = listing(path)
    file_of = {picture: _labels_of(picture.relative_to(path), path) for picture in listed.pictures}
    _refuse_lost(set(listed.others) - set(file_of.values()), path)
    parts: dict[Part, list[LabeledPicture]] = defaultdict(list)
    for picture, file in file_of.items():
        labels = _read_file(file) if file.is_file() else ()
        part = part_of(picture.relative_to(path).parts[:-1])
        parts[part].append(LabeledPicture(picture, labels, relative=True))
    numbers = [label.category for pictures in parts.values() for picture in pictures for label in picture.labels]
    return Labels(_names(path, max(numbers, default=-1) + 1), {part: tuple(found) for part, found in parts.items()})


def _labels_of(picture: Path, path: Path) -> Path:
    """Return where the labels of a picture lie: the last folder ``images`` on its way is ``labels`` there."""
    parts = list(picture.parts[:-1])
    if IMAGES in parts:
        parts[len(parts) - 1 - parts[::-1].index(IMAGES)] = LABELS
    return path.joinpath(*parts, f"{picture.stem}.txt")


def _refuse_lost(others: set[Path], path: Path) -> None:
    lost = sorted(file for file in others if file.suffix == ".txt" and LABELS in file.relative_to(path).parts[:-1])
    lost = [file for file in lost if file.name not in NAMES]
    if lost:
        raise DataError(
            f"{lost[0]}: has labels of a picture that is not there; expected {lost[0].stem}.jpg or the like at the "
            f"same place under {IMAGES} ({len(lost)} such {'file' if len(lost) == 1 else 'files'}). Add it, or remove "
            "the labels."
        )


def _read_file(file: Path) -> tuple[Label, ...]:
    lines = enumerate(_text(file).splitlines(), start=1)
    return tuple(_label(line, f"{file}, line {number}") for number, line in lines if line.strip())


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read ({error}). Expected text in UTF-8.") from error


def _label(line: str, place: str) -> Label:
    try:
        category, x, y, width, height = line.split()
        number, values = int(category), [float(value) for value in (x, y, width, height)]
        if not 0 <= number < MOST_CLASSES or not all(map(math.isfinite, values)):
            raise ValueError(line)
    except ValueError as error:
        raise DataError(
            f'{place} is "{excerpt(line)}", expected class x y width height: a number from 0 and four fractions of the '
            "picture's sides. Export the labels as boxes again."
        ) from error
    x_center, y_center, wide, high = values
    return Label((x_center - wide / 2, y_center - high / 2, wide, high), number, place)


def _names(path: Path, count: int) -> tuple[str, ...]:
    """Return the names of so many classes, or numbers where nothing says them."""
    found = _named(path)
    if found is None:
        return tuple(str(number) for number in range(count))
    names, file = found
    if len(names) < count:
        raise DataError(
            f"{file}: names {len(names)} classes, and a label is of class {count - 1}, counted from 0. Add the names "
            "that are missing."
        )
    return tuple(names)


def _named(path: Path) -> tuple[list[str], Path] | None:
    listed = (folder / name for folder in (path, path / LABELS) for name in NAMES)
    plain = next((file for file in listed if file.is_file()), None)
    if plain is not None:
        return [line.strip() for line in _text(plain).splitlines() if line.strip()], plain
    for file in sorted((*path.glob("*.yaml"), *path.glob("*.yml"))):
        names = _names_in_yaml(_text(file))
        if names:
            return names, file
    return None


def _names_in_yaml(text: str) -> list[str]:
    """Return ``names: [a, b]``, or one per line below, with a dash or a number before each; nothing else of YAML."""
    flow = re.search(r"^names:\s*\[([^\]]*)\]", text, re.M)
    if flow:
        return [_bare(name) for name in flow[1].split(",") if name.strip()]
    block = re.search(r"^names:[ \t]*(?:#.*)?\n((?:[ \t]*(?:-|\d+:)[ \t]+.+(?:\n|\Z))+)", text, re.M)
    return [_bare(re.sub(r"^\s*(-|\d+:)", "", line)) for line in block[1].splitlines()] if block else []


def _bare(name: str) -> str:
    return name.split(" #")[0].strip().strip("'\"")
