"""Which files of a folder are pictures: one answer for training, prediction and whatever else is given a folder.

A file whose suffix is that of a format is one, and so is any other whose content begins as a picture does. Folders are
searched to the bottom, through links too, each once, so that a link back up ends. What is hidden is not searched: names
that begin with a dot, and the folders in which file servers and archives keep their own.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from edgecnn.runtime.image import SUFFIXES

FOREIGN = frozenset({"@eadir", "__macosx", "$recycle.bin", "lost+found", "system volume information"})
BEGINNINGS = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"8BPS\0\1",
    b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51", b"qoif", b"DDS ", b"icns", b"\0\0\1\0",
)  # fmt: skip
BMP_HEADERS = (b"\x0c\0", b"\x28\0", b"\x6c\0", b"\x7c\0")  # their sizes, the first half
LONGEST = 16


@dataclass(frozen=True)
class Listing:
    """What lies in a folder: pictures in the order of their paths; what is hidden (folders, and files that would be
    pictures); other files; folders that cannot be listed, with the reason."""

    pictures: tuple[Path, ...]
    hidden: tuple[Path, ...]
    others: tuple[Path, ...]
    unlisted: tuple[str, ...]


def pictures_in(folder: Path) -> list[Path]:
    """Return the picture files of a folder, searched to the bottom, in order; hidden ones are not pictures."""
    return list(listing(folder).pictures)


def listing(folder: Path) -> Listing:
    """List a folder to the bottom."""
    pictures: list[Path] = []
    hidden: list[Path] = []
    others: list[Path] = []
    unlisted: list[str] = []

    def note(error: OSError) -> None:
        unlisted.append(f"{error.filename}: cannot be listed ({error.strerror or error}).")

    seen: set[str] = set()
    for place, folders, files in os.walk(folder, followlinks=True, onerror=note):
        here = Path(place)
        seen.add(os.path.realpath(place))
        hidden += [here / name for name in folders if is_hidden(name)]
        folders.sort(key=lambda name: ((here / name).is_symlink(), name))  # of two ways to one, the same anywhere
        folders[:] = [name for name in folders if not is_hidden(name) and _is_new(here / name, seen)]
        for file in (here / name for name in files if _is_file(here / name)):
            if not is_hidden(file.name):
                (pictures if is_picture(file) else others).append(file)
            elif file.suffix.lower() in SUFFIXES:
                hidden.append(file)
    return Listing(tuple(sorted(pictures)), tuple(sorted(hidden)), tuple(sorted(others)), tuple(sorted(unlisted)))


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder of this name is passed over.

    >>> is_hidden(".ipynb_checkpoints"), is_hidden("__MACOSX"), is_hidden("cat")
    (True, True, False)
    """
    return name.startswith(".") or name.lower() in FOREIGN


def is_picture(path: Path) -> bool:
    """Tell a picture by its suffix, else by how its content begins."""
    return path.suffix.lower() in SUFFIXES or begins_as_picture(path)


def begins_as_picture(path: Path) -> bool:
    """Tell from its first bytes whether a file is a picture in a format that is read."""
    try:
        with path.open("rb") as file:
            start = file.read(LONGEST)
    except OSError:
        return False
    if start.startswith(BEGINNINGS):
        return True
    if start[:4] == b"RIFF":
        return start[8:12] == b"WEBP"
    if start[4:8] == b"ftyp":
        return start[8:12] in (b"avif", b"avis", b"mif1")
    if start[:2] == b"BM":
        return start[6:10] == bytes(4) and start[14:] in BMP_HEADERS
    return start[:1] == b"P" and start[1:2] in b"123456" and start[2:3].isspace()


def _is_new(folder: Path, seen: set[str]) -> bool:
    real = os.path.realpath(folder)
    new = real not in seen
    seen.add(real)
    return new


def _is_file(path: Path) -> bool:
    """Tell a file, or a link whose file is gone (reading it says so), from a pipe or a device, which would hang."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return path.is_symlink()
