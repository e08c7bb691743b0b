"""The command in a process that notes its memory and may stop itself: stream_child.py NOTES CORE STOP train …

The process keeps to one core. ``NOTES/start`` is what Linux says of it (/proc/self/status) once all is imported that
the command imports before it reads anything, and ``NOTES/end`` when the command has ended. Where STOP is 1, the process
sends itself what Ctrl-C sends (SIGINT) once half of all batches are done: from outside, a signal comes late on a busy
machine.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")
START, END = "start", "end"


def main() -> None:
    """Run the command that the arguments say."""
    notes, core, stop, *command = sys.argv[1:]
    folder = Path(notes)
    os.sched_setaffinity(0, {int(core)})
    _import(stop=stop == "1")
    (folder / START).write_text(STATUS.read_text())
    from edgecnn_cli.__main__ import run

    sys.argv = ["edgecnn", *command]
    try:
        run()
    finally:
        (folder / END).write_text(STATUS.read_text())


def _import(*, stop: bool) -> None:
    """Import what the command does, and have its training stop half way where it is to ``stop``."""
    import edgecnn_cli.main
    import edgecnn_cli.train  # noqa: F401

    import edgecnn.report.curves
    import edgecnn.tasks._classification.examples
    import edgecnn.tasks._classification.learning  # noqa: F401
    from edgecnn.train import loop

    train = loop.train

    def stopped(*given: Any, on_progress: Any, **named: Any) -> Any:
        def told(now: Any) -> None:
            on_progress(now)
            if now.step == now.steps // 2:
                signal.raise_signal(signal.SIGINT)

        return train(*given, on_progress=told, **named)

    if stop:
        loop.train, loop.REPORT_SECONDS = stopped, 0.0  # it tells of each batch


def memory(status: Path, name: str) -> int:
    """Return a line of a process's status, such as VmRSS, in bytes."""
    for line in status.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"{status}: has no {name}")


if __name__ == "__main__":
    main()
