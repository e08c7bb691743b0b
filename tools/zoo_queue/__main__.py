"""Train a list of recipes behind everything else that the machine does.

python tools/zoo_queue resume --folder DIR --data-root DIR   start, or go on, with the code of this checkout's commit
python tools/zoo_queue status --folder DIR                   what it does now, and where each run stands
python tools/zoo_queue pause --folder DIR                    have every run save its state, and end

``runs.toml`` beside this file has the recipes in order of value. One run a core is trained, on one thread, at the
lowest priority there is, and none while anything of ``make_way_for`` runs. What is killed goes on where it stood.

In DIR:

``runs/NAME``          the runs, as ``edgecnn train`` makes them; their times are processor time
``failed/NAME.txt``    why a run failed; delete it to have that run tried again
``code/COMMIT``        what they are trained with: a run keeps the commit that it began with, whatever the checkout does
``log.jsonl``          when each run began, went on, made way, finished or failed
``said/NAME.txt``      what a run's process printed

Linux alone.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # the edgecnn of this very checkout

import code_of  # noqa: E402
import running  # noqa: E402
from shown import shown  # noqa: E402


def main() -> None:
    """Parse, do one thing, show where everything stands."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("resume", "status", "pause", "work"):
        command = verbs.add_parser(verb)
        command.add_argument("--folder", type=Path, required=True, help="outside of the checkout")
        if verb in ("resume", "work"):
            command.add_argument("--data-root", type=Path, required=True, help="where the data sets lie")
    wanted = parser.parse_args()
    folder = wanted.folder.resolve()
    if wanted.verb == "work":
        from daemon import work

        work(folder, wanted.data_root)
        return
    if wanted.verb == "resume":
        _resume(folder, wanted.data_root.resolve())
    elif not folder.is_dir():
        sys.exit(f"{folder}: no such folder. Begin one with resume.")
    elif wanted.verb == "pause":
        running.stop(folder)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever reads may have had enough
    print(shown(folder))


def _resume(folder: Path, data_root: Path) -> None:
    """Have the queue run with this checkout's commit; a queue that runs with another one is paused first."""
    if not hasattr(os, "SCHED_IDLE"):
        sys.exit("the queue needs Linux: its priorities and its list of processes.")
    if not data_root.is_dir():
        sys.exit(
            f"{data_root}: no such folder. Give the data root that has the data sets of tools/zoo_queue/runs.toml."
        )
    if folder.is_relative_to(ROOT):
        sys.exit(f"{folder}: lies in the checkout. Choose a folder outside, where nothing cleans up.")
    folder.mkdir(parents=True, exist_ok=True)
    commit = code_of.checkout_commit()
    now = running.found(folder)
    if now is not None and (now.commit, now.data_root) == (commit, str(data_root)):
        return
    running.stop(folder)
    running.start(folder, data_root, code_of.at(commit, folder))


if __name__ == "__main__":
    main()
