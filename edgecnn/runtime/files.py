"""Classify picture files: each on its own, so that a broken one does not take the others with it."""

import glob
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn.errors import ImageError
from edgecnn.runtime.classifier import Classifier
from edgecnn.runtime.image import read_image
from edgecnn.runtime.pictures import pictures_in


@dataclass(frozen=True)
class Ranked:
    """One class of a picture's answer."""

    label: str
    class_id: int
    probability: float


@dataclass(frozen=True)
class FileAnswer:
    """What a model says of one file, best first; or why it could not be asked."""

    path: Path
    top: list[Ranked]
    error: str | None


def expand(arguments: Iterable[str]) -> list[Path]:
    """Turn files, folders (searched to the bottom) and glob patterns into picture files, in order, each once.

    A name that matches nothing is kept, so that it is reported rather than passed over.
    """
    found: dict[Path, None] = {}
    for argument in arguments:
        path = Path(argument)
        matches = [argument] if path.exists() else sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 - patterns may be absolute
        for match in matches or [argument]:
            found |= dict.fromkeys(_inside(Path(match)))
    return list(found)


def predict_files(classifier: Classifier, paths: Iterable[Path], *, top_k: int = 1) -> Iterator[FileAnswer]:
    """Classify files one by one, as they come."""
    for path in paths:
        try:
            prediction = classifier.predict(_read(path))
        except ImageError as error:
            yield FileAnswer(path, [], str(error))
            continue
        top = [Ranked(classifier.labels[index], index, p) for index, p in prediction.top(top_k)]
        yield FileAnswer(path, top, None)


def _inside(path: Path) -> list[Path]:
    """Return the pictures of a folder; anything else, and a folder without one, is returned as it is."""
    if not path.is_dir():
        return [path]
    return pictures_in(path) or [path]


def _read(path: Path) -> NDArray[np.uint8]:
    if path.is_dir():
        raise ImageError(f"{path}: no pictures in this folder; expected files such as .png or .jpg.")
    return read_image(path)
