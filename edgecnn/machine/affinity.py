"""On which processors this process runs.

This file is sent to devices as it is (see ``facts``).
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path


def chosen(processors: Sequence[int], turn: int, count: int) -> set[int]:
    """Return ``count`` of the processors, the next ones with each turn.

    >>> chosen([0, 1, 4, 5], turn=1, count=2), chosen([0, 1, 4, 5], turn=3, count=2)
    ({1, 4}, {0, 5})
    """
    return {processors[(turn + step) % len(processors)] for step in range(count)}


def stay(turn: int, count: int) -> None:
    """Keep this process, its threads and what it has started on ``count`` of the processors that it may use, the next
    ones with each turn. Does nothing where it may use no more, and where the system has no such thing."""
    if not hasattr(os, "sched_setaffinity"):
        return
    mine = sorted(os.sched_getaffinity(0))
    if count >= len(mine):
        return
    for thread in _threads(os.getpid()):
        with contextlib.suppress(OSError):  # it has ended
            os.sched_setaffinity(thread, chosen(mine, turn, count))


def _threads(process: int) -> Iterator[int]:
    """Yield the threads of a process, and of all that it has started; itself alone where /proc does not say."""
    try:
        found = list(Path(f"/proc/{process}/task").iterdir())
        started = [int(child) for entry in found for child in (entry / "children").read_text().split()]
    except OSError:
        yield process
        return
    yield from (int(entry.name) for entry in found)
    for child in started:
        yield from _threads(child)
