"""What Ray's processes do for a study: a task trains one run, and a board carries progress there and the wish to stop
back. Both import next to nothing; what trains is a process of its own, as everywhere.
"""

import contextlib
import os
import platform
import queue
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgecnn.errors import ConnectionLost
from edgecnn.machine.threads import available
from edgecnn.study.process import Ended, Event, Training
from edgecnn.study.worker import held
from edgecnn.version import __version__

LOOK_SECONDS = 0.5  # between two looks at the board
OMP = "OMP_NUM_THREADS"


@dataclass
class Board:
    """The newest progress of each run, and whether to stop: an actor of Ray's."""

    stopping: bool = False
    news: dict[str, dict[str, Any]] = field(default_factory=dict)

    def tell(self, name: str, progress: dict[str, Any] | None) -> bool:
        """Put progress up, and return whether to stop."""
        if progress is not None:
            self.news[name] = progress
        return self.stopping

    def look(self, stopping: bool) -> dict[str, dict[str, Any]]:
        """Take down what is new, and say whether to stop."""
        self.stopping, news, self.news = stopping, self.news, {}
        return news


def train(job: dict[str, Any], board: Any) -> Ended:
    """Have one run trained in a process, and say how it ended. Raises ConnectionLost where that process is lost."""
    import ray

    if problem := unfit(job):
        return Ended("DeviceError", problem)
    if job["omp"] is None:
        os.environ.pop(OMP, None)  # Ray sets it
    name = Path(job["run"]).name
    if ray.get(board.tell.remote(name, None)):  # asked to stop before it began
        return Ended(stopped=True)
    events, newest, looked = queue.Queue[Event](), None, time.monotonic()
    with cores_of_its_own(job["threads"]) as cores:
        training = Training(job | {"cores": cores}, events)
        try:
            while True:
                with contextlib.suppress(queue.Empty):
                    _, newest = events.get(timeout=LOOK_SECONDS)
                    if newest is None:
                        return _ended(training)
                if time.monotonic() - looked >= LOOK_SECONDS:
                    if ray.get(board.tell.remote(name, newest)):
                        training.stop()
                    looked = time.monotonic()
        finally:
            training.end()


def _ended(training: Training) -> Ended:
    ended = training.ended()
    if ended.lost and not ended.stopped:
        raise ConnectionLost(ended.message)
    return ended


def unfit(job: dict[str, Any]) -> str:
    """Return why nothing can be trained on this machine, or nothing."""
    if job["version"] != __version__:
        return f"{platform.node()} has edgecnn {__version__}; expected {job['version']}, as where the study began."
    if not Path(job["token"]).exists():
        return (
            f"{platform.node()} does not have the study's folder {Path(job['token']).parent.parent}; expected one "
            "that all machines of the cluster share, at the same path. Name it with -o."
        )
    return ""


@contextlib.contextmanager
def cores_of_its_own(count: int) -> Iterator[list[int]]:
    """Yield so many cores of this machine that no other task has; fewer than there are to have are shared."""
    if not hasattr(os, "sched_getaffinity"):
        yield []
        return
    all_of_them = sorted(os.sched_getaffinity(0))[: available()]
    folder = Path(tempfile.gettempdir()) / f"edgecnn-cores-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        taken: list[int] = []
        for core in all_of_them:
            if len(taken) < count:
                file = stack.enter_context((folder / str(core)).open("a"))
                taken += [core] if held(file) else []
        yield taken if len(taken) == count else all_of_them[:count]
