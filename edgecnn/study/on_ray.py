"""A study's runs as tasks of Ray's, one for each run, on this machine or a cluster.

A task asks for as many cores as a run has here with as many jobs at once, and starts the process that trains there. One
whose machine or process is lost is tried again, and takes the run up where it was saved. Machines share the study's
folder: what a run writes is what the next machine reads. When this process is gone, Ray ends what it had asked for, and
the same command goes on; a process that is left over for a moment holds the file of the run's starts until it saved.
"""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from edgecnn import ray_engine
from edgecnn.errors import ConnectionLost, DeviceError
from edgecnn.study import found, ray_task
from edgecnn.study.crew import STARTS, Listeners, Work
from edgecnn.study.process import KILL_SECONDS, Ended
from edgecnn.train import Progress
from edgecnn.version import __version__

TRIES = 4  # of a run whose machine or process is lost
WAIT_SECONDS = 0.5
STORE_BYTES = 100_000_000
Ask = Callable[[Path, int], Any]
CONTINUE = "Continue with the same command, once it is reached; what is finished is not trained again."


def share(cores: list[int], jobs: int | None, runs: int) -> ray_engine.Share:
    """Say how machines with so many cores are shared by ``jobs`` runs at once, by default one a core.

    >>> share([2], None, 24), share([8, 8], None, 4)
    (Share(cores=1.0, threads=1), Share(cores=4.0, threads=4))
    >>> share([8], 2, 24), share([2], 4, 24)
    (Share(cores=4.0, threads=4), Share(cores=0.5, threads=1))
    """
    return ray_engine.share(cores, max(1, min(jobs or sum(ray_engine.usable_of(cores)), runs)))


class OnRay:
    """Tasks of Ray's."""

    def __init__(self, on: str, work: Work) -> None:
        self._on, self._work = on, work

    def work(self, listeners: Listeners) -> None:
        """Train what there is to train, or until told to stop.

        Raises MissingPackageError without the extra, DeviceError where Ray is not reached.
        """
        with ray_engine.connected(self._on, STORE_BYTES) as ray, _token(self._work.folder) as token:
            board = ray.remote(ray_task.Board).options(num_cpus=0, max_restarts=-1, max_task_retries=-1).remote()
            self._see_ready(ray, board)
            ask = self._asking(ray, board, token)
            tasks = {ask(path, until): path for path, until in self._work.begin.items()}
            try:
                self._worked(ray, board, tasks, ask, listeners)
            except ConnectionError as error:
                raise ConnectionLost(f"{self._on}: cut off ({ray_engine.reason(error)}). {CONTINUE}") from error
            finally:
                self._end(ray, board, tasks)

    def _see_ready(self, ray: Any, board: Any) -> None:
        try:
            ray.get(board.look.remote(False))
        except ray.exceptions.RayError as error:
            raise DeviceError(
                f"{self._on}: no process starts there ({ray_engine.reason(error)}). Each machine needs edgecnn "
                f"{__version__} with the extras scale and train, and the same Python."
            ) from error

    def _asking(self, ray: Any, board: Any, token: Path) -> Ask:
        """Return what has Ray train a run to an epoch, and returns the task."""
        has_gpus = self._has_gpus(ray)
        own = share(ray_engine.cores(ray), self._work.jobs, len(self._work.todo))
        task = ray.remote(ray_task.train).options(
            num_cpus=own.cores, num_gpus=int(has_gpus), max_retries=TRIES - 1, retry_exceptions=[ConnectionLost]
        )
        more = {
            "device": "cuda" if has_gpus else "cpu",
            "threads": own.threads,
            "token": str(token.absolute()),
            "version": __version__,
            "omp": os.environ.get(ray_task.OMP),
        }
        return lambda path, until: task.remote(self._work.job(path, until) | more, board)

    def _has_gpus(self, ray: Any) -> bool:
        there = self._work.device != "cpu" and ray_engine.gpus(ray) >= 1
        if self._work.device == "cuda" and not there:
            raise DeviceError(f"{self._on}: asked for --device cuda, and Ray has no GPU there. Ask for --device cpu.")
        return there

    def _worked(self, ray: Any, board: Any, tasks: dict[Any, Path], ask: Ask, listeners: Listeners) -> None:
        """Follow the tasks, and add to them what is to be done when one has ended."""
        waiting, stopping = list(tasks), False
        while waiting:
            stopping = stopping or listeners.should_stop()
            news = ray.get(board.look.remote(stopping))  # those that have not begun see it and end
            for name in news.keys() & {tasks[one].name for one in waiting}:
                listeners.on_progress(name, Progress(**news[name]))
            ready, waiting = ray.wait(waiting, timeout=WAIT_SECONDS)
            for path, ended in ((tasks[one], _ended(ray, one)) for one in ready):
                result = found.result(path, self._work.todo[path], ended)
                if result is not None:
                    listeners.on_run(result)
                more = self._work.then(path, result)
                asked = {} if stopping else {ask(path, until): path for path, until in more.items()}
                tasks |= asked
                waiting += asked

    def _end(self, ray: Any, board: Any, tasks: dict[Any, Path]) -> None:
        """Have what still runs saved where an error ends the study, for as long as that may take."""
        with contextlib.suppress(ray.exceptions.RayError, ConnectionError):
            waiting = ray.wait(list(tasks), num_returns=len(tasks), timeout=0)[1]
            if waiting:
                ray.get(board.look.remote(True))
                ray.wait(waiting, num_returns=len(waiting), timeout=KILL_SECONDS)
            ray.kill(board)


def _ended(ray: Any, task: Any) -> Ended:
    """Say how a task ended; Ray has tried it again before it raises."""
    try:
        ended: Ended = ray.get(task)
        return ended
    except ray.exceptions.RayTaskError as error:
        lost, cause = isinstance(error, ConnectionLost), error.cause
        said = str(cause) if lost else f"{type(cause).__name__}: {ray_engine.reason(cause)}"
        return Ended("ConnectionLost", f"{said} It was tried {TRIES} times." if lost else said)
    except ray.exceptions.RayError as error:
        return Ended("ConnectionLost", f"its machine or process was lost {TRIES} times ({ray_engine.reason(error)}).")


@contextlib.contextmanager
def _token(folder: Path) -> Iterator[Path]:
    """Yield a file in the study's folder by which another machine sees that it has the same."""
    path = folder / STARTS / f".here-{secrets.token_hex(6)}"
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(".here-*"):
        left.unlink(missing_ok=True)
    path.touch()
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
