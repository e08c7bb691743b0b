"""The most memory that this process has ever held, and the machine's; sent to devices as it is (see ``facts``)."""

import os
import platform
import sys
from pathlib import Path


def peak_bytes() -> int:
    """Return the peak resident set size in bytes."""
    if sys.platform == "win32":
        return _windows_peak()
    return _linux_peak() or _rusage_peak()


def total_bytes() -> int | None:
    """Return the machine's memory in bytes, or None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _linux_peak() -> int | None:
    """Linux hands ``ru_maxrss`` on from parent to child; the high-water mark in /proc is the process's own."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)


def _rusage_peak() -> int:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024  # bytes there, KiB elsewhere


def _windows_peak() -> int:
    import ctypes
    from ctypes import wintypes

    sizes = (
        "PeakWorkingSetSize", "WorkingSetSize", "QuotaPeakPagedPoolUsage", "QuotaPagedPoolUsage",
        "QuotaPeakNonPagedPoolUsage", "QuotaNonPagedPoolUsage", "PagefileUsage", "PeakPagefileUsage",
    )  # fmt: skip

    class Counters(ctypes.Structure):
        _fields_ = (
            ("cb", wintypes.DWORD),
            ("PageFaultCount", wintypes.DWORD),
            *((name, ctypes.c_size_t) for name in sizes),
        )

    counters = Counters()
    counters.cb = ctypes.sizeof(counters)
    windll = ctypes.windll  # type: ignore[attr-defined,unused-ignore]
    process = wintypes.HANDLE(windll.kernel32.GetCurrentProcess())
    windll.psapi.GetProcessMemoryInfo(process, ctypes.byref(counters), counters.cb)
    return int(counters.PeakWorkingSetSize)
