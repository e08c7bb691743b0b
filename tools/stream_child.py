"""The command in a process that notes its memory and how its training stands: stream_child.py NOTES CORE train …

The process keeps to one core. ``NOTES/start`` is what Linux says of it (/proc/self/status) once all is imported that
the command imports before it reads anything, and ``NOTES/end`` when the command has ended; ``NOTES/progress`` has the
batches that are done and all of the epoch.
"""

import os
import sys
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")
START, END, PROGRESS = "start", "end", "progress"


def main() -> None:
    """Run the command that the arguments say."""
    notes, core, *command = sys.argv[1:]
    folder = Path(notes)
    os.sched_setaffinity(0, {int(core)})
    _import_and_watch(folder / PROGRESS)
    (folder / START).write_text(STATUS.read_text())
    from edgecnn_cli.__main__ import run

    sys.argv = ["edgecnn", *command]
    try:
        run()
    finally:
        (folder / END).write_text(STATUS.read_text())


def _import_and_watch(progress: Path) -> None:
    """Import what the command does, and have its training note each progress that it tells."""
    import edgecnn_cli.main
    import edgecnn_cli.train  # noqa: F401

    import edgecnn.report.curves
    import edgecnn.tasks._classification.examples
    import edgecnn.tasks._classification.learning  # noqa: F401
    from edgecnn.train import loop

    train = loop.train

    def watched(*given: Any, on_progress: Any, **named: Any) -> Any:
        def told(now: Any) -> None:
            beside = progress.with_suffix(".new")
            beside.write_text(f"{now.step} {now.steps}")
            beside.replace(progress)
            on_progress(now)

        return train(*given, on_progress=told, **named)

    loop.train = watched


def memory(status: Path, name: str) -> int:
    """Return a line of a process's status, such as VmRSS, in bytes."""
    for line in status.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"{status}: has no {name}")


if __name__ == "__main__":
    main()
