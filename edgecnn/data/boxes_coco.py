"""Boxes in COCO's JSON: ``images``, ``annotations`` with ``bbox`` [x, y, width, height] in pixels, ``categories``.

A file lies in ``annotations/``, beside the folders of pictures or in one of them, and its name or its folder says which
part it is of, as in ``instances_train2017.json``. Boxes with ``iscrowd`` are ignored (https://cocodataset.org/#format-data).
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecnn import documents
from edgecnn.data.boxes_labels import Label, LabeledPicture, Labels, Part
from edgecnn.errors import DataError, DocumentError
from edgecnn.text import excerpt

LISTS = ("images", "annotations", "categories")
PartOf = Callable[[Iterable[str]], Part]  # of a path's names


@dataclass(frozen=True)
class _Image:
    id: int | str
    file_name: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class _Annotation:
    image_id: int | str
    category_id: int | str
    bbox: tuple[float, float, float, float]
    iscrowd: int | bool = 0


@dataclass(frozen=True)
class _Category:
    id: int | str
    name: str


def files(path: Path) -> list[Path]:
    """Return the JSON files of a data set: those of objects where there are several kinds of annotations."""
    found = sorted(file for folder in (".", "annotations", "*") for file in path.glob(f"{folder}/*.json"))
    objects = [file for file in found if file.name.startswith("instances")]
    return list(dict.fromkeys(objects or found))


def is_one(file: Path) -> bool:
    """Tell a file of boxes from other JSON that lies beside pictures."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and set(LISTS) <= set(found)


def read(path: Path, json_files: list[Path], part_of: PartOf) -> Labels:
    """Read the files of a data set, one for each part. Raises DataError."""
    names: list[str] = []
    parts: dict[Part, tuple[LabeledPicture, ...]] = {}
    for file in json_files:
        relative = file.relative_to(path)
        part = part_of((*relative.parts[:-1], *re.findall(r"[a-z]+", relative.stem.lower())))
        if part in parts:
            raise DataError(
                f"{file}: is a second file of annotations for {part} pictures; expected one for each of train, val and "
                "test, by its name or its folder. Leave one out."
            )
        parts[part] = _pictures(path, file, _document(file), names)
    return Labels(tuple(names), parts)


def _document(file: Path) -> dict[str, list[Any]]:
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:  # one of them is UnicodeDecodeError
        raise DataError(f"{file}: is not JSON ({excerpt(str(error))}). Export the labels again.") from error
    if not isinstance(document, dict) or not all(isinstance(document.get(name), list) for name in LISTS):
        found = ", ".join(document) if isinstance(document, dict) else type(document).__name__
        raise DataError(
            f"{file}: has {excerpt(found) or 'nothing'}, expected COCO's lists {', '.join(LISTS)}. Remove it, or "
            "export the labels as COCO JSON."
        )
    return document


def _pictures(path: Path, file: Path, document: dict[str, list[Any]], names: list[str]) -> tuple[LabeledPicture, ...]:
    """Return the pictures of one file; new categories join ``names``."""
    number_of = {}
    for category in _entries(_Category, document, "categories", file):
        if category.name not in names:
            names.append(category.name)
        number_of[category.id] = names.index(category.name)
    images = {image.id: image for image in _entries(_Image, document, "images", file)}
    labels = defaultdict(list)
    for index, found in enumerate(_entries(_Annotation, document, "annotations", file)):
        place = f"{file}: annotations[{index}]"
        if found.image_id not in images:
            raise DataError(f"{place} is on image {found.image_id!r}, which images does not have. Export them again.")
        if found.category_id not in number_of:
            raise DataError(
                f"{place} is of category {found.category_id!r}, which categories does not have. Export them again."
            )
        labels[found.image_id].append(Label(found.bbox, number_of[found.category_id], place, bool(found.iscrowd)))
    return tuple(_picture(path, file, image, labels[image.id]) for image in images.values())


def _entries(kind: type[Any], document: dict[str, list[Any]], name: str, file: Path) -> list[Any]:
    try:
        return [
            documents.decode(kind, entry, f"{file}: {name}[{index}]", whole=False)
            for index, entry in enumerate(document[name])
        ]
    except DocumentError as error:
        raise DataError(f"{error} Export the labels as COCO JSON again.") from error


def _picture(path: Path, file: Path, image: _Image, labels: list[Label]) -> LabeledPicture:
    size = None if image.width is None or image.height is None else (image.width, image.height)
    return LabeledPicture(_found(path, file, image.file_name), tuple(labels), relative=False, size=size)


def _found(path: Path, file: Path, name: str) -> Path:
    """Return where a picture lies: beside its file, or in the folder that is named like the file's part."""
    end = file.stem.split("_")[-1]
    folders = (file.parent, file.parent / "images", path / end, path / "images" / end, path, path / "images")
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    looked = ", ".join(dict.fromkeys(str(folder) for folder in folders if folder.is_dir()))
    raise DataError(
        f"{file}: names picture {excerpt(name)}, which is in none of {looked}. Put it there, or export the "
        "labels again."
    )
