"""The runs of a study that are to be trained, who trains them, and who is told.

Here or by Ray, a run is a process of its own (``worker``), which ``process`` starts and stops.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from edgecnn import data
from edgecnn.study.plan import PlannedRun
from edgecnn.study.results import RunResult
from edgecnn.train import Progress

STARTS = "starts"


@dataclass(frozen=True)
class Listeners:
    """Who is told of progress (by the run's name) and of each run that is done, and what says that it is enough."""

    on_progress: Callable[[str, Progress], None]
    on_run: Callable[[RunResult], None]
    should_stop: Callable[[], bool]


@dataclass(frozen=True)
class Work:
    """Runs to train by their folders, how many at once (None for one a core), on which device, from which data.

    ``begin`` has those that are trained first, and to which epoch. Whoever trains calls ``then`` with each that has
    ended, and its result, or None where it has come to its epoch or was stopped; it returns what more there is to do.
    """

    folder: Path
    todo: Mapping[Path, PlannedRun]
    jobs: int | None
    device: str
    root: str | Path | None
    begin: Mapping[Path, int]
    then: Callable[[Path, RunResult | None], Mapping[Path, int]]

    def job(self, path: Path, until: int) -> dict[str, Any]:
        """Return what a worker is told of one run, to be trained to an epoch."""
        return {
            "recipe": self.todo[path].recipe.model_dump(),
            "until": until,
            "run": str(path.absolute()),
            "starts": str((self.folder / STARTS / f"{path.name}.txt").absolute()),
            "here": str(Path.cwd()),
            "device": self.device,
            "root": str(data.data_root(self.root).absolute()),
        }


class Crew(Protocol):
    """Trains runs."""

    def work(self, listeners: Listeners) -> None:
        """Train what there is to train, or until told to stop. No process is left behind."""
