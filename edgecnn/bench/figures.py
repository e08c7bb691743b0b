"""What a bench finds: timings, ratios with their intervals, footprints, and the report that has them all."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from edgecnn import documents
from edgecnn.bench.baseline import Gate
from edgecnn.bench.everywhere import Everywhere
from edgecnn.bench.load import PLAIN, Load
from edgecnn.bench.loadgen import Stream
from edgecnn.bench.worker import ColdStart
from edgecnn.documents import later
from edgecnn.errors import EdgecnnError
from edgecnn.machine.conditions import Conditions
from edgecnn.machine.environment import Environment

BEFORE_PERCENT = 3.0  # what "same" meant until 0.2.0
UNKNOWN = later(lambda found: None)


@dataclass(frozen=True)
class Timing:
    """One contender in one setting. ``images_per_second`` is batch / mean, or what several callers got together.

    ``p50_ms_ci95`` tells how far the median moves from launch to launch on this machine, its own drift included, which
    ratios do not have. ``instructions`` is how many a call executes.
    """

    model: str
    form: str
    batch: int
    threads: int
    provider: str
    p50_ms: float
    p90_ms: float
    p99_ms: float
    mean_ms: float
    images_per_second: float
    calls: int
    launches: int = field(default=1, metadata=later(lambda found: 1))
    p50_ms_ci95: tuple[float, float] | None = field(default=None, metadata=UNKNOWN)
    instructions: float | None = field(default=None, metadata=UNKNOWN)


@dataclass(frozen=True)
class Ratio:
    """Latency of ``model`` over that of ``against`` in one setting, each on its provider; below 1 is faster.

    With several callers it is the time per image that is compared. ``precise`` is whether the interval is as narrow as
    was asked for; a verdict holds at 95 % either way.
    """

    model: str
    against: str
    batch: int
    threads: int
    ratio: float
    ratio_ci95: tuple[float, float]
    verdict: str
    provider: str = field(default="", metadata=later(lambda found: ""))  # 0.1.0 measured on one alone
    against_provider: str = field(default="", metadata=later(lambda found: ""))
    launches: int = field(default=1, metadata=later(lambda found: 1))
    precise: bool = field(default=False, metadata=later(lambda found: False))
    instructions_ratio: float | None = field(default=None, metadata=UNKNOWN)


@dataclass(frozen=True)
class Footprint:
    """What one contender costs before its first answer, in a process of its own, each the median of all launches.

    ``exact_int8`` is as a Classifier's.
    """

    model: str
    threads: int
    size_bytes: int
    cold_start: ColdStart
    exact_int8: bool = field(metadata=later(lambda found: False))  # 0.1.0 knew no other way
    provider: str = field(default="", metadata=later(lambda found: ""))


@dataclass(frozen=True)
class BenchReport:
    """All figures with what they were measured on, how calls were made, and how quiet the machine was meanwhile.

    ``seconds`` is the longest that each contender was measured in each setting. ``uncounted`` says why instructions are
    not counted.
    """

    SCHEMA: ClassVar[int] = 1

    contenders: list[Timing]
    comparisons: list[Ratio]
    footprints: list[Footprint]
    environment: Environment
    seconds: float
    precision_percent: float = field(default=BEFORE_PERCENT, metadata=later(lambda found: BEFORE_PERCENT))
    load: Load = field(default=PLAIN, metadata=later(lambda found: PLAIN))
    conditions: Conditions | None = field(default=None, metadata=UNKNOWN)
    uncounted: str | None = field(default=None, metadata=UNKNOWN)
    gate: Gate | None = field(default=None, metadata=UNKNOWN)
    everywhere: Everywhere | None = field(default=None, metadata=UNKNOWN)
    loadgen: list[Stream] | None = field(default=None, metadata=UNKNOWN)

    @property
    def imprecise(self) -> list[str]:
        """Name the settings in which an interval did not become as narrow as was asked for."""
        wide, several = 1 + self.precision_percent / 100, len({one.provider for one in self.contenders}) > 1
        single = [
            one
            for one in self.contenders
            if not self.comparisons and one.p50_ms_ci95 and one.p50_ms_ci95[1] > wide * one.p50_ms_ci95[0]
        ]
        found: list[Timing | Ratio] = [*single, *(one for one in self.comparisons if not one.precise)]
        return [
            f"{one.model}{f' on {one.provider}' if several else ''}, batch {one.batch}, {one.threads} threads"
            for one in found
        ]

    @property
    def warnings(self) -> list[str]:
        """Say what makes figures less than they seem: another program's work, or threads without a core.

        Where ``conditions`` are known, they tell how busy the machine was, and verdicts hold on a busy one."""
        available = self.environment.threads_available
        crowded = sorted({timing.threads for timing in self.contenders if timing.threads > available})
        found = [self.environment.warning] if self.environment.warning and self.conditions is None else []
        return found + [
            f"{count} threads on {available} that this process may use: they wait for one another, which is what these "
            "figures show, and the reason where one is too noisy"
            for count in crowded
        ]


def read_report(path: str | Path) -> BenchReport:
    """Read what ``edgecnn bench --json`` printed. Raises EdgecnnError where there is none, and DocumentError."""
    try:
        return documents.read(BenchReport, Path(path))
    except OSError as error:
        raise EdgecnnError(
            f"{path}: no baseline ({error.strerror}). Save one: edgecnn bench MODEL... --json > {path}"
        ) from error
