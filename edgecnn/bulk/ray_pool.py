"""Workers of Ray: an actor for each core or so, which answer one unit after the other; who dies is started again.

Plain actors, not Ray Data. Ray Data streams rows through operators that it cuts into blocks as it likes, and writes a
file a block: a second run cannot tell which rows are there, and what died takes part of a stream with it. Here what is
retried, what is written and what a second run leaves out is one thing, the unit. tools/bulk_trial.py has Ray Data's own
pipeline do the same pictures by the same worker; docs/results/scale.md has both.

A worker is given one unit at a time and sends back what came of it, which this process alone writes. So what is
killed has written nothing, and another machine needs to reach the pictures alone.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from edgecnn import ray_engine
from edgecnn.bulk.work import Answering, Work
from edgecnn.errors import DeviceError, EdgecnnError
from edgecnn.version import __version__

TRIES = 5  # of a unit whose workers die, and to start a worker
LOOK_S = 0.2  # between two looks at whether to stop
Unit = TypeVar("Unit")
PATIENCE_S = 5.0  # for workers to end
STORE_BYTES = 200_000_000  # of shared memory, for parts on their way, beside the model


@dataclass(frozen=True)
class Lost:
    """A unit whose workers died each time."""

    times: int


@dataclass(frozen=True)
class Crew:
    """How many workers there are, and the threads of each."""

    workers: int
    threads: int


def crew(cores: Sequence[int], units: int) -> Crew:
    """Say how machines with so many cores are shared by the workers of so many units: all cores, at least one each.

    >>> crew([2], units=100), crew([8], units=2), crew([4, 0, 4], units=1)
    (Crew(workers=2, threads=1), Crew(workers=2, threads=4), Crew(workers=1, threads=4))
    """
    at_once = max(1, units)
    threads = ray_engine.share(cores, at_once).threads
    return Crew(min(at_once, sum(each // threads for each in ray_engine.usable_of(cores))), threads)


@contextlib.contextmanager
def answering(on: str, work: Work, units: Sequence[Unit]) -> Iterator[tuple[Crew, "Pool[Unit]"]]:
    """Start Ray here, or connect to a cluster, and yield the pool that answers ``units``.

    Raises MissingPackageError without the extra, DeviceError where Ray does not start or the cluster is not reached.
    """
    with ray_engine.connected(on, STORE_BYTES + 2 * work.size_bytes) as ray:
        found = crew(ray_engine.cores(ray), len(units))
        yield found, Pool(ray, on, work, found, units)


@dataclass(frozen=True)
class _Asked:
    """What a worker was asked: to answer a unit that has killed so many others, or, with None, to open the model."""

    worker: Any
    unit: Any | None
    deaths: int = 0


class Pool(Generic[Unit]):
    """Actors, and the units that they have still to answer.

    Who dies gets a successor, and its unit goes to the end of the line. Ray's own retries are not used: they would give
    a unit to the same actor again at once, and of one that many die of nothing would be known.
    """

    def __init__(self, ray: Any, on: str, work: Work, crew: Crew, units: Sequence[Unit]) -> None:
        self._ray, self._on, self._waiting = ray, on, deque((unit, 0) for unit in units)
        self._actor = ray.remote(Actor).options(num_cpus=crew.threads)
        self._work = ray.put(work.with_threads(crew.threads))
        self._asked: dict[Any, _Asked] = {}
        self._stillborn = 0
        for _ in range(crew.workers):
            self._start()

    def answers(self, stopped: Callable[[], bool]) -> Generator[tuple[Unit, Any | Lost], None, None]:
        """Yield units with what came of them as they are finished, until all are, or ``stopped``.

        Raises DeviceError where no worker starts, and what answering raises.
        """
        try:
            while (self._waiting or any(one.unit for one in self._asked.values())) and not stopped():
                for done in self._ray.wait(list(self._asked), timeout=LOOK_S)[0]:
                    yield from self._came(done, self._asked.pop(done))
        finally:
            self._end()

    def _came(self, done: Any, asked: _Asked) -> Iterator[tuple[Unit, Any | Lost]]:
        """Take an answer, and ask the next thing at once."""
        try:
            part = self._ray.get(done)
        except self._ray.exceptions.RayTaskError:
            raise
        except self._ray.exceptions.RayError as error:
            yield from self._died(asked, error)
            return
        if isinstance(part, EdgecnnError):
            raise part
        self._stillborn = 0
        if self._waiting:
            unit, deaths = self._waiting.popleft()
            self._asked[asked.worker.answer.remote(unit)] = _Asked(asked.worker, unit, deaths)
        if asked.unit:
            yield asked.unit, part

    def _died(self, asked: _Asked, error: Exception) -> Iterator[tuple[Unit, Lost]]:
        """Start another worker; give the unit to whoever is free once the others are done, unless all died of it."""
        self._stillborn += asked.unit is None
        if self._stillborn == TRIES:
            raise DeviceError(
                f"{self._on}: no worker starts ({ray_engine.reason(error)}). Each machine needs edgecnn "
                f"{__version__} with the extra scale, and the same Python."
            ) from error
        self._start()
        if asked.unit and asked.deaths + 1 == TRIES:
            yield asked.unit, Lost(TRIES)
        elif asked.unit:
            self._waiting.append((asked.unit, asked.deaths + 1))

    def _start(self) -> None:
        worker = self._actor.remote()
        self._asked[worker.ready.remote(self._work)] = _Asked(worker, None)

    def _end(self) -> None:
        """End the workers, and wait for it: Ray complains of work that it was asked for and cannot tell the end of."""
        for asked in self._asked.values():
            self._ray.kill(asked.worker)
        if self._asked:
            self._ray.wait(list(self._asked), num_returns=len(self._asked), timeout=PATIENCE_S)


class Actor:
    """A worker in a process of Ray's. What edgecnn raises is sent as it is: Ray would put its traceback around it."""

    def __init__(self) -> None:
        self._answering: Answering | None = None

    def ready(self, work: Work) -> bytes | EdgecnnError:
        """Open what there is to open; return nothing, or why it cannot be opened."""
        try:
            self._answering = work.opened()
        except EdgecnnError as error:
            return error
        return b""

    def answer(self, unit: Any) -> Any:
        """Return what comes of a unit, or why all has to end, once it is ready."""
        assert self._answering is not None
        try:
            return self._answering.answer(unit)
        except EdgecnnError as error:
            return error
