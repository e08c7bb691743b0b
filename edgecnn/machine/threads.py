"""How many threads this process may really use: its CPU affinity and its cgroup's quota, not the machine's cores.

More threads than that keep the median and triple the mean of a small network's latency. This file is sent to devices as
it is (see ``facts``).
"""

import math
import os
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")


def wanted(count: int | None) -> int:
    """Return ``count``, or what is available for None. Raises ProviderError for anything but a positive integer."""
    if count is None:
        return available()
    if not isinstance(count, int) or count < 1:
        from edgecnn.errors import ProviderError  # on a device there is none

        raise ProviderError(f"asked for {count!r} threads; expected a positive integer.")
    return count


def available() -> int:
    """Return the number of threads to run with, at least 1."""
    quota = cpu_quota()
    cores = affinity()
    return max(1, min(cores, math.ceil(quota))) if quota else cores


def affinity() -> int:
    """Return how many logical CPUs the operating system lets this process run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS has no affinity; Windows reports its processor group


def cpu_quota(root: Path = CGROUP_ROOT) -> float | None:
    """Return the CPUs that a container's quota allows (may be a fraction), or None where there is no quota."""
    for read in (_quota_v2, _quota_v1):
        try:
            return read(root)
        except (OSError, ValueError):
            continue
    return None


def _quota_v2(root: Path) -> float | None:
    quota, period = (root / "cpu.max").read_text().split()
    return None if quota == "max" else int(quota) / int(period)


def _quota_v1(root: Path) -> float | None:
    quota = int((root / "cpu" / "cpu.cfs_quota_us").read_text())
    period = int((root / "cpu" / "cpu.cfs_period_us").read_text())
    return quota / period if quota > 0 else None
