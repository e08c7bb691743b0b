"""How quiet the machine was while something was measured: what others used, and what slowed the processor down."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

QUIET_OTHERS, QUIET_STEAL, QUIET_THROTTLED = 0.05, 0.01, 0.01  # fractions below which a machine counts as quiet
SLOWED = 0.9  # of the fastest frequency that was seen
CPUS = Path("/sys/devices/system/cpu")
CGROUP_STAT = Path("/sys/fs/cgroup/cpu.stat")


@dataclass(frozen=True)
class Conditions:
    """What was seen from the start of a measurement to its end; None is not known here.

    ``others`` is the share of the processors that this process may use which other programs took, ``steal`` the share
    that the hypervisor gave to other machines, ``throttled`` the share of the time that a quota stopped this process,
    ``overheated`` how often a processor slowed down for its temperature, ``mhz`` its lowest and highest frequency.
    """

    seconds: float
    load_average: float | None
    others: float | None
    steal: float | None
    throttled: float | None
    overheated: int | None
    mhz: tuple[float, float] | None

    @property
    def troubles(self) -> list[str]:
        """Say what disturbed the measurement; nothing where the machine was quiet, as far as is known."""
        found = []
        if self.others is not None and self.others > QUIET_OTHERS:
            found.append(f"other programs took {self.others:.0%} of the processors")
        if self.steal is not None and self.steal > QUIET_STEAL:
            found.append(f"the host gave {self.steal:.0%} of the time to other virtual machines")
        if self.throttled is not None and self.throttled > QUIET_THROTTLED:
            found.append(f"the container's quota stopped this for {self.throttled:.0%} of the time")
        if self.overheated:
            found.append(f"the processor slowed down for heat {self.overheated} times")
        if self.mhz is not None and self.mhz[0] < SLOWED * self.mhz[1]:
            found.append(f"the frequency went from {self.mhz[1]:.0f} down to {self.mhz[0]:.0f} MHz")
        return found

    @property
    def sentence(self) -> str:
        """Say how the machine was."""
        if self.others is None:
            return "what else ran is not known on this system"
        state = "not quiet: " + "; ".join(self.troubles) if self.troubles else "quiet"
        unknown = [name for name, value in (("frequency", self.mhz), ("heat", self.overheated)) if value is None]
        return f"{state} ({', '.join(unknown)} not known here)" if unknown else state


class Watch:
    """Sees how the machine is from when it is made; ``look`` now and then, for the frequency."""

    def __init__(self) -> None:
        self._started, self._ticks, self._own_s = time.perf_counter(), _ticks(), _own_s()
        self._throttled_us, self._heat = _throttled_us(), _overheated()
        self._mhz: list[float] = []
        self.look()

    def look(self) -> None:
        """Read the frequency."""
        self._mhz += _mhz()

    def conditions(self) -> Conditions:
        """Return what was seen so far; processes that were started count as own once they have ended."""
        self.look()
        seconds = time.perf_counter() - self._started
        others, steal = _shares(self._ticks, _ticks(), _own_s() - self._own_s)
        stopped, heat = _throttled_us(), _overheated()
        return Conditions(
            seconds=seconds,
            load_average=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            others=others,
            steal=steal,
            throttled=None
            if None in (stopped, self._throttled_us)
            else _since(stopped, self._throttled_us) / 1e6 / seconds,
            overheated=None if None in (heat, self._heat) else int(_since(heat, self._heat)),
            mhz=(min(self._mhz), max(self._mhz)) if self._mhz else None,
        )


def _since(now: int | None, before: int | None) -> int:
    assert now is not None
    assert before is not None
    return max(0, now - before)


def _shares(
    before: tuple[int, int, int] | None, after: tuple[int, int, int] | None, own_s: float
) -> tuple[float | None, float | None]:
    """Return what others took, and what was stolen, of the time of these processors."""
    if before is None or after is None or after[0] == before[0]:
        return None, None
    total, used, stolen = (now - then for now, then in zip(after, before, strict=True))
    own = own_s * os.sysconf("SC_CLK_TCK")
    return min(1.0, max(0.0, (used - own) / total)), stolen / total


def _ticks() -> tuple[int, int, int] | None:
    """Return all, used and stolen clock ticks of the processors that this process may use."""
    try:
        mine = {f"cpu{number}" for number in os.sched_getaffinity(0)}
        lines = [line.split() for line in Path("/proc/stat").read_text(encoding="ascii").splitlines()]
    except (OSError, AttributeError):
        return None
    rows = [[int(ticks) for ticks in words[1:9]] for words in lines if words and words[0] in mine]
    user, nice, system, idle, waiting, hard, soft, steal = (sum(column) for column in zip(*rows, strict=True))
    used = user + nice + system + hard + soft
    return used + idle + waiting + steal, used, steal


def _own_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _throttled_us() -> int | None:
    """Return for how long this container was stopped by its quota; None where it has none."""
    try:
        words = dict(line.split() for line in CGROUP_STAT.read_text(encoding="ascii").splitlines())
        return int(words["throttled_usec"])
    except (OSError, ValueError, KeyError):
        return None


def _overheated() -> int | None:
    counts = [_number(path) for path in CPUS.glob("cpu[0-9]*/thermal_throttle/core_throttle_count")]
    return sum(int(count) for count in counts if count is not None) if counts else None


def _mhz() -> list[float]:
    """Return the frequencies that the processors have now; a virtual machine mostly knows none."""
    found = [_number(path) for path in CPUS.glob("cpu[0-9]*/cpufreq/scaling_cur_freq")]
    return [value / 1000 for value in found if value]


def _number(path: Path) -> float | None:
    try:
        return float(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
