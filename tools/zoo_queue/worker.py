"""One run in a process of its own: a job as one JSON line on standard input, whose end asks it to save and stop.

It is killed with the queue that started it, also while it is stopped.
"""

import ctypes
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # the edgecnn of this commit
PR_SET_PDEATHSIG = 1
SAVED = 130


def main() -> None:
    """Be the process."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    job = json.loads(sys.stdin.readline())  # nothing comes where the queue died before the line above
    from lowest import be_idle

    be_idle()
    os.sched_setaffinity(0, {job["core"]})  # before anything starts a thread
    stop = threading.Event()
    threading.Thread(target=_wait_for_the_end, args=(stop,), daemon=True).start()
    _train(job, stop)


def _train(job: dict[str, Any], stop: threading.Event) -> None:
    import edgecnn
    from edgecnn.errors import EdgecnnError
    from edgecnn.recipes.read import read
    from edgecnn.train import train
    from edgecnn.train.device import keep_freed_memory

    assert Path(edgecnn.__file__).is_relative_to(ROOT), f"{edgecnn.__file__} is not of {ROOT}"
    keep_freed_memory()
    run, root = Path(job["run"]), Path(job["data_root"])
    own = run / "recipe.toml"  # a run goes on with the recipe that it began with
    try:
        recipe = read(str(own)) if own.exists() else read(job["recipe"], job["changes"])
        train(recipe, run, device="cpu", root=root, resume=own.exists(), clock="processor", should_stop=stop.is_set)
    except EdgecnnError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


def _wait_for_the_end(stop: threading.Event) -> None:
    """Set ``stop`` when standard input ends. Not through sys.stdin, whose lock would be held when Python exits."""
    while os.read(0, 1024):
        pass
    stop.set()


if __name__ == "__main__":
    main()
