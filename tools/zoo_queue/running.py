"""The process that trains: started apart from whoever starts it, found again through a lock, asked to stop."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgecnn import documents

LOCK, OUTPUT = "queue.lock", "queue.txt"
TRIES, STEP_S = 20, 0.1
PATIENCE_S = 120.0  # for a run's last batch and the writing of its state, on a machine that is busy


@dataclass(frozen=True)
class Running:
    """What the lock says of the process that holds it."""

    pid: int
    commit: str
    data_root: str


@contextlib.contextmanager
def held(folder: Path, commit: str, data_root: Path) -> Iterator[None]:
    """Be the one queue of a folder."""
    with (folder / LOCK).open("a+", encoding="utf-8") as file:
        for _ in range(TRIES):  # whoever looks whether it is held holds it for a moment
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(STEP_S)
        else:
            sys.exit(f"{folder}: another queue runs here.")
        file.truncate(0)
        file.write(documents.to_json(Running(os.getpid(), commit, str(data_root)), indent=None))
        file.flush()
        yield


def found(folder: Path) -> Running | None:
    """Return the queue that runs in a folder. The lock ends with the process, however that ends."""
    path = folder / LOCK
    if not path.exists():
        return None
    with path.open("r+", encoding="utf-8") as file:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return None
        while not (text := file.read()):  # it is just being written
            time.sleep(STEP_S)
    return documents.from_json(Running, text, str(path))


def start(folder: Path, data_root: Path, code: Path) -> None:
    """Start the queue in a session of its own, and wait until it has taken the folder, or say what it said."""
    command = [sys.executable, str(code / "tools" / "zoo_queue"), "work"]
    with (folder / OUTPUT).open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*command, "--folder", str(folder), "--data-root", str(data_root)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    while process.poll() is None and found(folder) is None:
        time.sleep(STEP_S)
    if process.poll():
        sys.exit(f"the queue did not start: {(folder / OUTPUT).read_text(encoding='utf-8').strip()}")


def stop(folder: Path) -> None:
    """Have the queue save every run and end; without patience for more, kill it, which loses no more than a minute."""
    now = found(folder)
    until = time.monotonic() + PATIENCE_S
    while now is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(now.pid, signal.SIGTERM if time.monotonic() < until else signal.SIGKILL)
        time.sleep(STEP_S)
        now = found(folder)
