"""One run in a process of its own: ``python -m edgecnn.study.worker``, with a job as one JSON line on standard input.

It takes the cores that it is given before anything starts a thread, trains (or resumes, where there is a state) to the
epoch that it is asked for, and prints JSON lines: progress, and at last what came of it. When its input ends, it saves
and stops; so it does when the process that started it is gone. While it trains, it holds the file of the run's starts:
whoever comes next waits until it is gone, and trains nothing that is finished by then.
"""

import contextlib
import json
import os
import platform
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from edgecnn.process import answer

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOOK_SECONDS = 0.2


def main() -> None:
    """Be the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells us too; whoever started us decides
    job = json.loads(sys.stdin.readline())
    pin(job["cores"])
    os.chdir(job["here"])  # that relative paths in a recipe are relative to
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
    from edgecnn.train.device import keep_freed_memory
    from edgecnn.train.run_folder import OUTCOME

    keep_freed_memory()
    run = Path(job["run"])
    with _alone(Path(job["starts"]), stop) as starts:
        paused = _is_paused(run, job)
        if not paused and not (run / OUTCOME).exists():
            starts.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}Z {platform.node()} {os.getpid()}\n")
            starts.flush()
            paused = _trained(run, job, stop)
    _say({"paused": job["until"]} if paused else {"finished": True}, stop)


def _trained(run: Path, job: dict[str, Any], stop: threading.Event) -> bool:
    """Train to the epoch that is asked for, and tell whether there are more after it."""
    from edgecnn.errors import Interrupted
    from edgecnn.recipes.read import check
    from edgecnn.train import train
    from edgecnn.train.run_folder import RECIPE

    is_there = threading.Event()
    try:
        train(
            check(job["recipe"], str(run)),
            run,
            device=job["device"],
            root=Path(job["root"]),
            resume=(run / RECIPE).exists(),
            on_progress=lambda progress: _say({"progress": asdict(progress)}, stop),
            on_epoch=lambda row: is_there.set() if row.epoch >= job["until"] else None,
            should_stop=lambda: stop.is_set() or is_there.is_set(),
        )
    except Interrupted:
        if not is_there.is_set():
            raise
        return True
    return False


def _is_paused(run: Path, job: dict[str, Any]) -> bool:
    """Tell whether a run that is to stop on its way has come so far."""
    from edgecnn.train.run_folder import METRICS, OUTCOME

    if job["until"] >= job["recipe"]["epochs"] or (run / OUTCOME).exists() or not (run / METRICS).exists():
        return False
    return len((run / METRICS).read_bytes().splitlines()) >= int(job["until"])


@contextlib.contextmanager
def _alone(path: Path, stop: threading.Event) -> Iterator[IO[str]]:
    """Yield the file of a run's starts once no other process holds it. Raises Interrupted where told to stop before."""
    from edgecnn.errors import Interrupted

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        while not held(file):
            if stop.wait(LOOK_SECONDS):
                raise Interrupted("stopped while another process trains it.")
        yield file


def held(file: IO[str]) -> bool:
    """Lock a file, and tell whether that is done: no other process has it."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


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
