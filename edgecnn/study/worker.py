"""One run in a process of its own: ``python -m edgecnn.study.worker``, with a job as one JSON line on standard input.

It takes the cores that it is given before anything starts a thread, trains (or resumes, where there is a state), and
prints JSON lines: progress, and at last what came of it. When its input ends, it saves and stops; so it does when the
process that started it is gone.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgecnn.process import answer


def main() -> None:
    """Be the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells us too; whoever started us decides
    job = json.loads(sys.stdin.readline())
    pin(job["cores"])
    stop = threading.Event()
    threading.Thread(target=_wait_for_the_end, args=(stop,), daemon=True).start()
    from edgecnn.errors import EdgecnnError

    try:
        _train(job, stop)
    except EdgecnnError as error:
        _say({"error": type(error).__name__, "message": str(error)}, stop)


def pin(cores: Sequence[int]) -> None:
    """Stay on these cores, where the platform has affinity: ``threads.available`` follows it."""
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def _train(job: dict[str, Any], stop: threading.Event) -> None:
    from edgecnn.recipes.read import check
    from edgecnn.train import train
    from edgecnn.train.device import keep_freed_memory
    from edgecnn.train.run_folder import RECIPE

    keep_freed_memory()
    run = Path(job["run"])
    train(
        check(job["recipe"], str(run)),
        run,
        device=job["device"],
        root=Path(job["root"]) if job["root"] else None,
        resume=(run / RECIPE).exists(),
        on_progress=lambda progress: _say({"progress": asdict(progress)}, stop),
        should_stop=stop.is_set,
    )
    _say({"finished": True}, stop)


def _wait_for_the_end(stop: threading.Event) -> None:
    """Set ``stop`` when standard input ends. Not through sys.stdin, whose lock would be held when Python exits."""
    while os.read(0, 1024):
        pass
    stop.set()


def _say(document: dict[str, Any], stop: threading.Event) -> None:
    try:
        answer(document)
    except OSError:  # nobody listens any more
        stop.set()


if __name__ == "__main__":
    main()
