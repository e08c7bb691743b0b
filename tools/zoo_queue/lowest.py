"""The lowest priority that Linux has, for a process and all that it starts."""

import contextlib
import os
from pathlib import Path

NICEST = 19


def be_nice() -> None:
    """Take no processor time that another process wants much of; also where tasks are grouped by session."""
    os.setpriority(os.PRIO_PROCESS, 0, NICEST)
    with contextlib.suppress(OSError):  # a kernel without such groups
        Path("/proc/self/autogroup").write_text(str(NICEST), encoding="ascii")


def be_idle() -> None:
    """Run only where nothing else wants to."""
    be_nice()
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
