"""The queue at work: a run on each core, stopped while the machine is needed, started over where it was killed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import code_of
import listing
import log
import running
from listing import Entry
from lowest import be_nice
from watch import Watch
from worker import SAVED

from edgecnn import files

LOOK_S = 0.25  # how often it looks at what else runs
SAVE_S = 60.0  # for the state of a run to be written
MOST_KILLS = 3  # in one sitting: then it is not somebody who kills, but the run


def work(folder: Path, data_root: Path) -> None:
    """Train until nothing is left, or until told to stop."""
    commit = code_of.own_commit()
    with running.held(folder, commit, data_root):
        be_nice()
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, frame: stop.set())
        for name in ("runs", "failed", "said"):
            (folder / name).mkdir(exist_ok=True)
        wanted = listing.read()
        queue = Queue(folder, data_root, commit, wanted.entries)
        code_of.keep_only(queue.needed_commits(), folder)
        watch = Watch(wanted.make_way_for)
        log.add(folder, "started", commit=commit)
        try:
            while queue.is_left() and not stop.wait(LOOK_S):
                queue.make_way(watch.reason())
        finally:
            queue.end()
            log.add(folder, "stopped" if stop.is_set() else "nothing is left")


class Queue:
    """The runs under way, by name: one a core."""

    def __init__(self, folder: Path, data_root: Path, commit: str, entries: tuple[Entry, ...]) -> None:
        self.folder, self.data_root, self.commit, self.entries = folder, data_root, commit, entries
        self.cores = sorted(os.sched_getaffinity(0))
        self.workers: dict[str, Worker] = {}
        self.kills: Counter[str] = Counter()
        self.reason: str | None = None

    def is_left(self) -> bool:
        """Tell whether anything is under way or can be begun."""
        return bool(self.workers or self._next())

    def make_way(self, reason: str | None) -> None:
        """Stop or continue what is under way, see what has ended, and start what comes next."""
        if (reason is None) != (self.reason is None):
            for worker in self.workers.values():
                worker.signal(signal.SIGCONT if reason is None else signal.SIGSTOP)
            log.add(self.folder, "goes on" if reason is None else "makes way", why=reason)
        self.reason = reason
        for name, worker in [*self.workers.items()]:
            if worker.process.poll() is not None:
                del self.workers[name]
                self._note(worker)
        while reason is None and len(self.workers) < len(self.cores) and (entry := self._next()):
            self._start(entry)

    def end(self) -> None:
        """Have every run save its state; what does not in time is killed, and goes on from an earlier state."""
        for worker in self.workers.values():
            worker.ask_to_stop()
        for worker in self.workers.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.process.wait(SAVE_S)
            worker.signal(signal.SIGKILL)
            worker.process.wait()
            self._note(worker, ending=True)

    def needed_commits(self) -> set[str]:
        """Return the commits whose code is still needed."""
        begun = (entry for entry in self.entries if entry.state(self.folder) == "begun")
        return {self.commit, *(self._commit(entry) for entry in begun)}

    def _next(self) -> Entry | None:
        states = {entry.name: entry.state(self.folder) for entry in self.entries}
        return next(
            (
                entry
                for entry in self.entries
                if entry.name not in self.workers
                and states[entry.name] in ("begun", "waits")
                and all(states[name] == "finished" for name in entry.needs)
            ),
            None,
        )

    def _commit(self, entry: Entry) -> str:
        """Return the commit that a run is trained with: the one that it began with."""
        began = log.last(self.folder, "began", entry.name) if entry.state(self.folder) == "begun" else None
        return began["commit"] if began else self.commit

    def _start(self, entry: Entry) -> None:
        taken = {worker.core for worker in self.workers.values()}
        commit = self._commit(entry)
        log.add(
            self.folder,
            "went on" if entry.state(self.folder) == "begun" else "began",
            run=entry.name,
            commit=commit,
        )
        core = next(core for core in self.cores if core not in taken)
        self.workers[entry.name] = Worker(entry, self.folder, self.data_root, self.folder / "code" / commit, core)

    def _note(self, worker: "Worker", *, ending: bool = False) -> None:
        """Write down how a run's process ended. One that was killed is started again, but not for ever."""
        name, status = worker.entry.name, worker.process.returncode
        if worker.entry.state(self.folder) == "finished":
            log.add(self.folder, "finished", run=name)
        elif status == SAVED or ending:
            log.add(self.folder, "saved", run=name)
        elif status < 0 and self.kills[name] < MOST_KILLS:
            self.kills[name] += 1
            log.add(self.folder, "was killed", run=name, why=signal.Signals(-status).name)
        else:
            reason = worker.last_line() or f"its process ended with status {status}"
            files.write_text(self.folder / "failed" / f"{name}.txt", reason + "\n")
            log.add(self.folder, "failed", run=name, why=reason)


class Worker:
    """The process of one run. Its standard input is what keeps it going."""

    def __init__(self, entry: Entry, folder: Path, data_root: Path, code: Path, core: int) -> None:
        self.entry, self.core, self.said = entry, core, folder / "said" / f"{entry.name}.txt"
        job = {
            "recipe": entry.recipe,
            "changes": {**entry.changes, "seed": entry.seed},
            "run": str(folder / "runs" / entry.name),
            "data_root": str(data_root),
            "core": core,
        }
        with self.said.open("w", encoding="utf-8") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(code / "tools" / "zoo_queue" / "worker.py")],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder / "runs",  # a recipe may name another run
                start_new_session=True,
            )
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(job).encode() + b"\n")
            self.process.stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and to all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def ask_to_stop(self) -> None:
        """End its standard input, and let it go on where it stands still."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.signal(signal.SIGCONT)

    def last_line(self) -> str:
        """Return the last line that it printed: of an error the message."""
        return (self.said.read_text(encoding="utf-8", errors="replace").strip().splitlines() or [""])[-1]
