"""What a figure was measured on: processor, its features, threads, versions, and whether anything else was running."""

import importlib.metadata
import os
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path

from edgecnn.documents import later
from edgecnn.machine import threads
from edgecnn.machine.cpu import cpu_features, family, family_of, processor
from edgecnn.version import __version__

PACKAGES = ("numpy", "pillow", "onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "torch", "torchvision", "onnx")
QUIET_SECONDS = 0.3
BUSY_FRACTION = 0.1


@dataclass(frozen=True)
class Environment:
    """``busy`` is the fraction of the CPUs that something else used just before the measurement, where it is known.

    ``family`` is what processors have in common on which the same form is the fastest.
    """

    processor: str
    family: str = field(metadata=later(lambda found: family_of(found["architecture"], found["cpu_features"])))
    architecture: str
    system: str
    cpu_features: list[str]
    threads_available: int
    affinity: int
    cpu_quota: float | None
    versions: dict[str, str]
    busy: float | None

    @property
    def warning(self) -> str | None:
        """Say so when the machine was not quiet."""
        if self.busy is None or self.busy < BUSY_FRACTION:
            return None
        return f"something else kept {self.busy:.0%} of the CPUs busy: these figures are not to be trusted"


def environment() -> Environment:
    """Record the machine; takes a third of a second, in which it looks whether the machine is quiet."""
    return Environment(
        processor=processor(),
        family=family(),
        architecture=platform.machine(),
        system=f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        cpu_features=cpu_features(),
        threads_available=threads.available(),
        affinity=threads.affinity(),
        cpu_quota=threads.cpu_quota(),
        versions={"edgecnn": __version__, **installed(PACKAGES)},
        busy=_busy_fraction(),
    )


def installed(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _busy_fraction() -> float | None:
    before = _cpu_ticks()
    time.sleep(QUIET_SECONDS)
    after = _cpu_ticks()
    if before is None or after is None:
        return os.getloadavg()[0] / threads.affinity() if hasattr(os, "getloadavg") else None
    total = sum(after) - sum(before)
    idle = sum(after[3:5]) - sum(before[3:5])  # idle and waiting for disks
    return max(0.0, 1 - idle / total) if total else None


def _cpu_ticks() -> list[int] | None:
    try:
        first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    except (OSError, IndexError):
        return None
    return [int(ticks) for ticks in first.split()[1:9]]
