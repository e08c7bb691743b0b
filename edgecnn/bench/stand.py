"""Where contenders are measured: in processes of this machine, or on a device."""

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from edgecnn.bench.calls import Block
from edgecnn.bench.elsewhere import DeviceWorker
from edgecnn.bench.load import Load
from edgecnn.bench.worker import ColdStart, Worker
from edgecnn.contender import Named
from edgecnn.devices.connection import Connection
from edgecnn.devices.place import place_of
from edgecnn.errors import DeviceError
from edgecnn.machine import threads
from edgecnn.machine.environment import Environment, environment


class AnyWorker(Protocol):
    """A process, here or on a device, that holds one opened contender; a context manager."""

    model: Named
    threads: int
    form: str
    provider: str
    exact_int8: bool
    size_bytes: int
    cold_start: ColdStart

    def __enter__(self) -> Self:
        """Return itself."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""

    uncounted: str | None

    def stay(self, turn: int, count: int) -> None:
        """Run on ``count`` of the processors, the next ones with each turn, until it ends."""

    def blocks(self, batch: int, load: Load) -> Callable[[int], Block]:
        """Return a function that times so many calls on ``batch`` images; until the next call of this one."""

    def instructions(self) -> float | None:
        """Return how many instructions such a call executes, None where they are not counted."""


@dataclass(frozen=True)
class Stand:
    """``start`` opens a model on a provider with so many threads, or as its card says; ``environment`` records the
    machine, which takes a third of a second; ``threads`` is what affinity and quota allow there."""

    start: Callable[[Named, str, int | None], AnyWorker]
    environment: Callable[[], Environment]
    threads: Callable[[], int]


def stand_of(on: str | None) -> Stand:
    """Return where is measured what ``--on`` says. Raises DeviceError for a device on which durations mean nothing."""
    if on is None:
        return Stand(
            lambda model, provider, count: Worker(model, provider=provider, threads=count),
            environment,
            threads.available,
        )
    place = place_of(on)
    if not place.keeps_time:
        raise DeviceError(
            f"{place.name}: its answers are those of that processor, and how long they take says nothing. Measure on a "
            "machine: --on ssh://pi@raspberrypi"
        )

    def recorded() -> Environment:
        with Connection(place) as connection:
            connection.check_packages()
            return connection.environment

    return Stand(
        lambda model, provider, count: DeviceWorker(model, place, provider=provider, threads=count),
        recorded,
        lambda: recorded().threads_available,
    )
