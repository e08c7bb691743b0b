"""A folder of pictures by class: ``PATH/<class>/*`` or ``PATH/{train,test}/<class>/*``. Sizes and modes may vary."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import ImageInput
from edgecnn.data.npz import held_out
from edgecnn.data.split import Split
from edgecnn.errors import DataError, ImageError
from edgecnn.runtime.image import SUFFIXES, is_colour, read_image, to_input

DEFAULT_SIZE = 32


def read(path: Path, split: Literal["train", "test"], size: tuple[int, int] | None, channels: int | None) -> Split:
    """Read one split. Without train and test inside, a stratified fifth, always the same, is the test split.

    Images come in ``size`` (height, width), or 32x32; with ``channels``, or 1 when all pictures are gray and 3
    otherwise. One picture is decoded at a time; one that cannot be read is left out and named in ``skipped``.
    Raises DataError when none is left.
    """
    if not path.is_dir():
        raise DataError(f"folder:{path}: no such folder; expected one subfolder of pictures a class.")
    divided = (path / "train").is_dir() and (path / "test").is_dir()
    home = path / "train" if divided else path
    names = _classes(home)
    height, width = size or (DEFAULT_SIZE, DEFAULT_SIZE)
    shape = ImageInput(height, width, channels or _channels(home, names))
    if not divided:
        return held_out(_read_classes(path, names, shape), split)
    unknown = sorted(set(_classes(path / "test")) - set(names))
    if unknown:
        raise DataError(f"folder:{path}: test has classes that train lacks: {', '.join(unknown)}.")
    return _read_classes(path / split, names, shape)


def _classes(path: Path) -> tuple[str, ...]:
    names = tuple(sorted(child.name for child in path.iterdir() if child.is_dir() and not child.name.startswith(".")))
    if not names:
        raise DataError(f"folder:{path}: no subfolders; expected one subfolder of pictures a class.")
    return names


def _pictures(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())


def _channels(path: Path, names: tuple[str, ...]) -> int:
    return 3 if any(is_colour(file) for name in names for file in _pictures(path / name)) else 1


def _read_classes(path: Path, names: tuple[str, ...], shape: ImageInput) -> Split:
    images: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    skipped: list[str] = []
    for label, name in enumerate(names):
        for file in _pictures(path / name):
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
