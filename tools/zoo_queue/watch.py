"""What the queue makes way for, seen in the command lines of the processes that run."""

import time
from collections.abc import Sequence
from pathlib import Path

PROC = Path("/proc")
FIRST_WORDS = 8  # of a command line: behind nice, timeout and the like comes what runs
LINGER_S = 2.0  # a benchmark's processes come one after the other


class Watch:
    """Looks at all processes each time it is asked."""

    def __init__(self, make_way_for: Sequence[str]) -> None:
        self.make_way_for = [tuple(words.split()) for words in make_way_for]
        self._last: str | None = None
        self._seen = 0.0

    def reason(self) -> str | None:
        """Return what runs, or has just run, that the queue makes way for."""
        found, now = self._found(), time.monotonic()
        if found is not None:
            self._last, self._seen = found, now
        elif now - self._seen > LINGER_S:
            self._last = None
        return self._last

    def _found(self) -> str | None:
        for process in PROC.iterdir():
            if process.name.isdigit():
                words = _words(process)
                for wanted in self.make_way_for:
                    if is_in(wanted, words):
                        return f"{' '.join(wanted)} (process {process.name})"
        return None


def is_in(wanted: Sequence[str], words: Sequence[str]) -> bool:
    """Tell whether ``wanted`` follow each other in a command line; folders in front of a word do not count.

    >>> is_in(("edgecnn", "bench"), ["python", "/x/bin/edgecnn", "bench", "mnist-c1"])
    True
    >>> is_in(("pytest",), ["bash", "-c", "pytest -q"]), is_in(("pytest",), ["nice", "-n", "5", "/x/bin/pytest"])
    (False, True)
    """
    names = [word.rpartition("/")[2] for word in words[:FIRST_WORDS]]
    return any(tuple(names[at : at + len(wanted)]) == tuple(wanted) for at in range(len(names)))


def _words(process: Path) -> list[str]:
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:  # it has ended
        return []
