"""How much memory this process may have: the machine's, or what its container is held to."""

import os
from pathlib import Path

UNKNOWN_BYTES = 8_000_000_000  # where the system does not say
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))  # cgroup v2, v1


def memory_bytes() -> int:
    """Return the smaller of both, in bytes."""
    return min(_machine(), *(_limit(path) for path in LIMITS))


def _machine() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return UNKNOWN_BYTES


def _limit(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # no such file, or "max"
        return _machine()
