"""Spoil model files, cards, checkpoints, recipes, studies, data and pictures, and count what edgecnn makes of them.

python tools/fuzz --mutants 10000            counts as JSON; exit code 1 where any ended in a fault
python tools/fuzz --only pictures:1234       that mutant alone, with what it said

A mutant follows from the seed, its kind and its number. Each is used in a worker process with the memory limit of
``edgecnn predict``; a worker that dies is a crash, one that is silent for minutes is ended and counts as a hang.
"""

import argparse
import contextlib
import datetime
import json
import os
import resource
import selectors
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
SILENT_S = 300.0  # of a busy machine; 5 s of processor time are counted in attempt.py
MEMORY_BYTES = 6_000_000_000
SHARES = {
    "models": 4,
    "pictures": 4,
    "cards": 3,
    "checkpoints": 2,
    "recipes": 2,
    "studies": 2,
    "arrays": 2,
    "folders": 1,
    "archives": 0.1,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Use spoiled files and count what comes of them.")
    parser.add_argument("--mutants", type=int, default=1_000, help="how many, over all kinds (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="worker processes (%(default)s)")
    parser.add_argument("--kinds", nargs="+", choices=SHARES, default=list(SHARES))
    parser.add_argument("--only", metavar="KIND:NUMBER", help="one mutant, in this process")
    parser.add_argument("-o", "--output", type=Path, help="write the counts there")
    arguments = parser.parse_args()
    if arguments.only:
        from attempt import attempt

        kind, number = arguments.only.split(":")
        print(*attempt(kind, arguments.seed, int(number)), sep="\n")
        return
    with tempfile.TemporaryDirectory(prefix="edgecnn-fuzz-") as folder:
        seen = run(tasks(arguments.kinds, arguments.mutants), arguments.seed, arguments.jobs, folder)
    records = [record(kind, counts, arguments) for kind, counts in seen.items()]
    text = json.dumps(records, indent=1)
    print(text)
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(text + "\n", encoding="utf-8")
    from attempt import FAULTS

    sys.exit(any(counts[fault] for counts in seen.values() for fault in FAULTS))


def tasks(kinds: list[str], mutants: int) -> list[tuple[str, int]]:
    """Return (kind, number) of every mutant, kinds in their shares."""
    whole = sum(SHARES[kind] for kind in kinds)
    return [(kind, number) for kind in kinds for number in range(max(1, round(mutants * SHARES[kind] / whole)))]


def record(kind: str, counts: Counter[str], given: argparse.Namespace) -> dict[str, object]:
    """Return what docs/results/reliability.md shows of one kind."""
    from edgecnn.machine import processor

    return {
        "what": f"spoiled {kind}",
        "tried": counts.total(),
        "seen": dict(sorted(counts.items())),
        "command": f"python tools/fuzz --mutants {given.mutants} --seed {given.seed} --jobs {given.jobs}",
        "machine": processor(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


class Worker:
    """A process that uses one mutant after another; started anew when it has died."""

    def __init__(self, folder: str) -> None:
        environment = os.environ | {"TMPDIR": folder, "OMP_NUM_THREADS": "1", "ORT_DISABLE_TELEMETRY": "1"}
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES)),
        )
        self.task: tuple[str, int] | None = None
        self.since = time.monotonic()

    def give(self, task: tuple[str, int], seed: int) -> None:
        assert self.process.stdin is not None
        self.task, self.since = task, time.monotonic()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps([task[0], seed, task[1]]) + "\n")
            self.process.stdin.flush()

    def answer(self) -> tuple[str, str]:
        """Return what is said of the task, or how the process ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            return "crash", f"exit status {self.process.wait()}"
        outcome, said = json.loads(line)
        return outcome, said

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def run(todo: list[tuple[str, int]], seed: int, jobs: int, folder: str) -> dict[str, Counter[str]]:
    """Use every mutant and count the outcomes by kind; faults are told on standard error as they come."""
    seen: dict[str, Counter[str]] = {kind: Counter() for kind, _ in todo}
    waiting = list(reversed(todo))
    watched = selectors.DefaultSelector()

    def start() -> None:
        worker = Worker(folder)
        watched.register(worker.process.stdout, selectors.EVENT_READ, worker)  # type: ignore[arg-type]
        proceed(worker)

    def proceed(worker: Worker) -> None:
        if waiting:
            worker.give(waiting.pop(), seed)
        else:
            drop(worker)

    def drop(worker: Worker) -> None:
        watched.unregister(worker.process.stdout)  # type: ignore[arg-type]
        worker.end()

    def note(worker: Worker, outcome: str, said: str) -> None:
        assert worker.task is not None
        kind, number = worker.task
        seen[kind][outcome] += 1
        if outcome not in ("answered", "refused with a message"):
            print(f"{kind}:{number}: {outcome}: {said}", file=sys.stderr, flush=True)
        if outcome == "crash" or (outcome == "longer than 5 s" and not said):
            drop(worker)
            if waiting:
                start()
        else:
            proceed(worker)

    for _ in range(min(jobs, len(todo))):
        start()
    while watched.get_map():
        for key, _ in watched.select(timeout=1):
            note(key.data, *key.data.answer())
        for key in list(watched.get_map().values()):
            if time.monotonic() - key.data.since > SILENT_S:
                note(key.data, "longer than 5 s", "")
    return seen


if __name__ == "__main__":
    main()
