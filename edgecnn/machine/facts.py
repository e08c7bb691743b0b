"""What is known of a machine, as JSON has it: read here, or on a device, where this file is sent as it is.

So it imports nothing but the standard library and the modules beside it that are sent with it, and runs on Python 3.9.
"""

import importlib.metadata
import os
import platform
import time
from pathlib import Path
from typing import Any

from edgecnn.machine import cpu, memory, threads

PACKAGES = ("numpy", "pillow", "onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "torch", "torchvision", "onnx")
QUIET_SECONDS = 0.3


def facts() -> dict[str, Any]:
    """Return the fields of an Environment; a third of a second is spent looking whether the machine is quiet."""
    return {
        "processor": cpu.processor(),
        "family": cpu.family(),
        "architecture": platform.machine(),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "cpu_features": cpu.cpu_features(),
        "threads_available": threads.available(),
        "affinity": threads.affinity(),
        "cpu_quota": threads.cpu_quota(),
        "memory_bytes": memory.total_bytes(),
        "versions": installed(PACKAGES),
        "busy": busy_fraction(),
    }


def installed(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def busy_fraction() -> float | None:
    """Return the fraction of the CPUs that is used while this waits, or None where it is not known."""
    before = cpu_ticks()
    time.sleep(QUIET_SECONDS)
    after = cpu_ticks()
    if before is None or after is None:
        return os.getloadavg()[0] / threads.affinity() if hasattr(os, "getloadavg") else None
    total = sum(after) - sum(before)
    idle = sum(after[3:5]) - sum(before[3:5])  # idle and waiting for disks
    return max(0.0, 1 - idle / total) if total else None


def cpu_ticks() -> list[int] | None:
    """Return what Linux counts of the time of all CPUs, by what it was used for."""
    try:
        first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    except (OSError, IndexError):
        return None
    return [int(ticks) for ticks in first.split()[1:9]]
