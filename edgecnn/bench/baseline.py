"""A regression gate: what is measured now against a report that was saved, with an error rate.

Machines change their speed from one hour to the next, so with two models or more it is each one's ratio to the first
that is compared: the first is the yardstick, and should be a file that does not change. One model alone is compared in
milliseconds, which holds on a quiet machine of its own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from edgecnn.bench.load import Load
from edgecnn.errors import EdgecnnError
from edgecnn.machine.environment import Environment

GateVerdict = Literal["within", "beyond", "undecided"]
Figure = tuple[float, tuple[float, float]]
Key = tuple[str, int, int, str]


@dataclass(frozen=True)
class Slowdown:
    """Latency now over that of the baseline, of a model in a setting; ``relative`` where both are over the first's."""

    model: str
    batch: int
    threads: int
    provider: str
    ratio: float
    ratio_ci95: tuple[float, float]
    relative: bool
    verdict: GateVerdict

    def sentence(self) -> str:
        """Say what was found."""
        low, high = self.ratio_ci95
        figure = f"{self.ratio:.3f} times the baseline's latency (95 %: {low:.3f}..{high:.3f})"
        return f"{self.model}, batch {self.batch}, {self.threads} threads: {figure}, {self.verdict} what is allowed"


@dataclass(frozen=True)
class Gate:
    """Every setting against the baseline, and the verdict of all: beyond where one is, undecided where one is."""

    baseline: Path
    max_slowdown_percent: float
    slowdowns: list[Slowdown]
    verdict: GateVerdict


class Report(Protocol):
    """What is asked of a BenchReport here."""

    @property
    def contenders(self) -> Sequence[Any]:
        """A Timing for each model in each setting."""

    @property
    def comparisons(self) -> Sequence[Any]:
        """A Ratio for each but the first."""

    @property
    def environment(self) -> Environment:
        """The machine."""

    @property
    def load(self) -> Load:
        """How calls were made."""


def check(report: Report, before: Report, path: str | Path, max_slowdown_percent: float) -> Gate:
    """Compare every setting of a report with the baseline's. Raises EdgecnnError where these cannot be compared."""
    _check_alike(report, before, path)
    relative = len(report.comparisons) > 0
    now, then = _figures(report, relative=relative), _figures(before, relative=relative)
    missing = [key for key in now if key not in then]
    if missing:
        model, batch, threads, provider = missing[0]
        raise EdgecnnError(
            f"{path}: has no figure of {model} at batch {batch} with {threads} threads on {provider}"
            f"{', over the same first model' if relative else ''}. Save a baseline with the same models and options."
        )
    found = [_slowdown(key, now[key], then[key], relative, max_slowdown_percent) for key in now]
    return Gate(Path(path), max_slowdown_percent, found, _worst([one.verdict for one in found]))


def judge(low: float, high: float, max_slowdown_percent: float) -> GateVerdict:
    """Say whether a slowdown is within what is allowed, with its whole interval, or beyond."""
    allowed = 1 + max_slowdown_percent / 100
    if high <= allowed:
        return "within"
    return "beyond" if low > allowed else "undecided"


def _worst(verdicts: Sequence[GateVerdict]) -> GateVerdict:
    order: tuple[GateVerdict, ...] = ("beyond", "undecided", "within")
    return next(verdict for verdict in order if verdict in verdicts)


def _check_alike(report: Report, before: Report, path: str | Path) -> None:
    here, there = report.environment, before.environment
    if (here.processor, here.place) != (there.processor, there.place):
        raise EdgecnnError(
            f"{path}: was measured on {there.place or there.processor}, and this is {here.place or here.processor}. "
            "Save a baseline on the machine that is to be compared with."
        )
    if report.load != before.load:
        raise EdgecnnError(f"{path}: was measured as {before.load}, and this is {report.load}. Use the same options.")


def _figures(report: Report, *, relative: bool) -> dict[Key, Figure]:
    """Return what is compared, by model and setting."""
    if relative:
        return {
            (f"{one.model} over {one.against}", one.batch, one.threads, one.provider): (one.ratio, one.ratio_ci95)
            for one in report.comparisons
        }
    return {
        (one.model, one.batch, one.threads, one.provider): (one.p50_ms, one.p50_ms_ci95)
        for one in report.contenders
        if one.p50_ms_ci95 is not None
    }


def _slowdown(key: Key, now: Figure, then: Figure, relative: bool, max_slowdown_percent: float) -> Slowdown:
    """Divide two figures; the ends of their intervals lie as far from them as independent errors add up."""
    ratio = now[0] / then[0]
    below = math.hypot(math.log(now[0] / now[1][0]), math.log(then[1][1] / then[0]))
    above = math.hypot(math.log(now[1][1] / now[0]), math.log(then[0] / then[1][0]))
    low, high = ratio * math.exp(-below), ratio * math.exp(above)
    return Slowdown(*key, ratio, (low, high), relative, judge(low, high, max_slowdown_percent))
