"""The one place where pictures and the files that hold many of them are found, looked at and opened.

A place is a path of this machine, as text: what comes to lie elsewhere one day is opened here, and nowhere else in the
room.
"""

import glob
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edgecnn.errors import ImageError


@dataclass(frozen=True)
class Stamp:
    """What tells a file from the one that lies there after a change: its size in bytes, and when it was written."""

    size: int
    written_ns: int


NOTHING = Stamp(-1, -1)


def stamp(place: str) -> Stamp:
    """Return the stamp of a file, NOTHING where there is none."""
    try:
        found = Path(place).stat()
    except OSError:
        return NOTHING
    return Stamp(found.st_size, found.st_mtime_ns)


def files(argument: str, suffix: str) -> list[str]:
    """Return the files that a path, a pattern or a folder (searched to the bottom) stands for, in order.

    One that matches nothing is returned as it is.
    """
    path = Path(argument)
    if path.is_dir():
        return [str(found) for found in sorted(path.rglob(f"*{suffix}"))]
    if path.exists():
        return [str(path)]
    return sorted(glob.glob(argument, recursive=True)) or [str(path)]  # noqa: PTH207 - patterns may be absolute


def absolute(place: str) -> str:
    """Return a place as a worker finds it, wherever it was started."""
    return str(Path(place).absolute())


def opened(place: str) -> BinaryIO:
    """Open a file to read its bytes. Raises OSError."""
    return Path(place).open("rb")


def read(place: str, said: str) -> bytes:
    """Return the bytes of a picture file, which messages call ``said``. Raises ImageError."""
    if Path(place).is_dir():
        raise ImageError(f"{said}: no pictures in this folder; expected files such as .png or .jpg.")
    try:
        with opened(place) as file:
            return file.read()
    except OSError as error:
        raise ImageError(f"{said}: cannot be read ({error.strerror or error}).") from error
