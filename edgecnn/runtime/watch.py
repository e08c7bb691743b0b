"""The pictures that arrive in a folder: each once, when it has stopped growing.

A folder is looked at over and over, which works on every file system and over a network, where notices of changes do
not. What lies there at the start is no arrival. A file is taken for whole when it is the same in two looks; one that is
written again, or that grows after all, arrives again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edgecnn.errors import ImageError
from edgecnn.runtime.pictures import pictures_in

Stamp = tuple[int, int, int]  # of a file: where it lies on the disk, its bytes, when it was written


@dataclass
class Arrivals:
    """What came since the last look. Raises ImageError where there is no such folder, or no longer."""

    folder: Path
    told: dict[Path, Stamp] = field(default_factory=dict)
    growing: dict[Path, Stamp] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.told = self._stamps()

    def look(self) -> list[Path]:
        """Return the pictures that are whole and were not returned yet, in the order in which they were written."""
        now = self._stamps()
        new = {path: stamp for path, stamp in now.items() if self.told.get(path) != stamp}
        whole = [path for path, stamp in new.items() if self.growing.get(path) == stamp and stamp[1] > 0]
        self.growing = {path: stamp for path, stamp in new.items() if path not in whole}
        self.told = {path: stamp for path, stamp in self.told.items() if path in now} | {
            path: new[path] for path in whole
        }
        return sorted(whole, key=lambda path: (new[path][2], path))

    def _stamps(self) -> dict[Path, Stamp]:
        if not self.folder.is_dir():
            raise ImageError(f"{self.folder}: no such folder to watch; expected one that pictures are written into.")
        stamps = ((path, _stamp(path)) for path in pictures_in(self.folder))
        return {path: stamp for path, stamp in stamps if stamp is not None}


def arriving(arrivals: Arrivals, wait: Callable[[], bool]) -> Iterator[Path]:
    """Yield pictures as they arrive. ``wait`` waits for the next look, and tells whether to end."""
    while not wait():
        yield from arrivals.look()


def _stamp(path: Path) -> Stamp | None:
    """Return what a change of a file changes; None for one that is gone by now."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
