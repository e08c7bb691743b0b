"""A folder of pictures by class: ``PATH/<class>/*`` or ``PATH/{train,test}/<class>/*``. Sizes and modes may vary.

In place of ``train`` the first folder may be ``training``; in place of ``test`` the second ``testing``, ``val``,
``valid`` or ``validation``; of several, the first counts. Capitals are as good.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import ImageInput
from edgecnn.data.npz import SplitName, held_out
from edgecnn.data.split import Split
from edgecnn.errors import DataError, ImageError
from edgecnn.runtime.image import is_colour, read_image, to_input
from edgecnn.runtime.pictures import pictures_in

DEFAULT_SIZE = 32
TRAIN = ("train", "training")
HELD_OUT = ("test", "testing", "val", "valid", "validation")


def read(path: Path, split: SplitName, size: tuple[int, int] | None, channels: int | None) -> Split:
    """Read one split. Without train and test inside, a stratified fifth, always the same, is the test split.

    Images come in ``size`` (height, width), or 32x32; with ``channels``, or 1 when all pictures are gray and 3
    otherwise. One picture is decoded at a time; one that cannot be read is left out and named in ``skipped``.
    Raises DataError when none is left.
    """
    if not path.is_dir():
        raise DataError(f"folder:{path}: no such folder; expected one subfolder of pictures a class.")
    train, test = _halves(path)
    names = _classes(train)
    height, width = size or (DEFAULT_SIZE, DEFAULT_SIZE)
    shape = ImageInput(height, width, channels or _channels(train, names))
    if test is None:
        return held_out(_with_every_class(_read_classes(train, names, shape), path), split)
    unknown = sorted(set(_classes(test)) - set(names))
    if unknown:
        raise DataError(f"folder:{path}: {test.name} has classes that train lacks: {', '.join(unknown)}.")
    if split == "test":
        return _read_classes(test, names, shape)
    return _with_every_class(_read_classes(train, names, shape), path)


def _halves(path: Path) -> tuple[Path, Path | None]:
    """Return where the training and the test pictures lie; without the latter a part of the former is held out."""
    folders = {child.name.lower(): child for child in _folders_in(path)}
    trains, tests = ([folders[name] for name in names if name in folders] for names in (TRAIN, HELD_OUT))
    if trains and not tests and len(folders) == 1:
        raise DataError(
            f"folder:{path}: has {trains[0].name} and nothing beside it; expected a folder test (or val) too, or the "
            f"folder that has the classes: --data folder:{trains[0]}"
        )
    return (trains[0], tests[0]) if trains and tests else (path, None)


def _with_every_class(found: Split, path: Path) -> Split:
    """Return ``found`` when there is something to learn of each class, else raise DataError."""
    empty = [name for label, name in enumerate(found.names) if label not in found.labels_n]
    if empty:
        raise DataError(
            f"folder:{path}: no readable picture of {', '.join(empty)}; add some, or remove the folder of that class."
        )
    return found


def _classes(path: Path) -> tuple[str, ...]:
    names = tuple(sorted(child.name for child in _folders_in(path)))
    if not names:
        raise DataError(f"folder:{path}: no subfolders; expected one subfolder of pictures a class.")
    return names


def _folders_in(path: Path) -> list[Path]:
    return [child for child in path.iterdir() if child.is_dir() and not child.name.startswith(".")]


def _channels(path: Path, names: tuple[str, ...]) -> int:
    return 3 if any(is_colour(file) for name in names for file in pictures_in(path / name)) else 1


def _read_classes(path: Path, names: tuple[str, ...], shape: ImageInput) -> Split:
    images: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    skipped: list[str] = []
    for label, name in enumerate(names):
        for file in pictures_in(path / name):
            try:
                images.append(to_input(read_image(file), shape))
                labels.append(label)
            except ImageError as error:
                skipped.append(str(error))
    if not images:
        raise DataError(
            f"folder:{path}: no readable picture in {', '.join(names)} ({len(skipped)} could not be read"
            f"{': ' + skipped[0] if skipped else ''}). Expected files such as .png or .jpg."
        )
    return Split(np.stack(images), np.array(labels, dtype=np.int64), names, tuple(skipped))
