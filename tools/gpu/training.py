"""Several trainings on one device, each a process of its own: a small network alone leaves a GPU waiting."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from listing import Entry

ROOT = Path(__file__).resolve().parents[2]
LOOK_S, SAY_S, SAVE_S = 0.5, 15.0, 40.0


def train(entries: tuple[Entry, ...], folder: Path, data_root: Path, device: str, at_once: int, seconds: float) -> None:
    """Train what is not finished, in order, ``at_once`` at a time; after ``seconds`` every run saves its state."""
    for name in ("runs", "said"):
        (folder / name).mkdir(exist_ok=True)
    until, said = time.monotonic() + seconds, time.monotonic()
    processes: dict[str, subprocess.Popen[bytes]] = {}
    while time.monotonic() < until:
        under_way = sum(process.poll() is None for process in processes.values())
        for entry in _ready(entries, folder, processes)[: at_once - under_way]:
            processes[entry.name] = _start(entry, folder, data_root, device)
            os.sched_setaffinity(processes[entry.name].pid, _cores(len(processes), at_once))
        if all(process.poll() is not None for process in processes.values()):
            break
        if time.monotonic() - said >= SAY_S:
            said = time.monotonic()
            print(_standing(entries, folder), flush=True)
        time.sleep(LOOK_S)
    _end(processes.values())
    print(_standing(entries, folder), flush=True)


def _ready(entries: tuple[Entry, ...], folder: Path, begun: Iterable[str]) -> list[Entry]:
    """Return what can be started: not finished, not tried yet in this sitting, and with all that it needs."""
    states = {entry.name: entry.state(folder) for entry in entries}
    return [
        entry
        for entry in entries
        if entry.name not in begun
        and states[entry.name] in ("begun", "waits")
        and all((folder / "runs" / name / "outcome.json").exists() for name in entry.needs)
    ]


def _start(entry: Entry, folder: Path, data_root: Path, device: str) -> subprocess.Popen[bytes]:
    """Start ``edgecnn train`` for a run, or have it go on."""
    what = [entry.name, "--resume"] if entry.state(folder) == "begun" else [entry.recipe, *_changes(entry)]
    command = [sys.executable, "-m", "cli", "train", *what, "--device", device, "--data-root", str(data_root)]
    if "--resume" not in what:
        command += ["--output", entry.name, "--seed", str(entry.seed)]
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with (folder / "said" / f"{entry.name}.txt").open("ab") as said:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            cwd=folder / "runs",  # a recipe may name another run
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )


def _cores(number: int, at_once: int) -> set[int]:
    """Return the cores of the run with this number: nine runs that took all sixteen each stood in each other's way, six
    times as slow as with their own."""
    cores = sorted(os.sched_getaffinity(0))
    share = max(len(cores) // at_once, 1)
    return {cores[(number * share + step) % len(cores)] for step in range(share)}


def _changes(entry: Entry) -> list[str]:
    return [word for key, value in entry.changes.items() for word in ("--set", f"{key}={_toml(value)}")]


def _toml(value: object) -> str:
    """Write a value as ``--set`` takes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + "}"
    return value if isinstance(value, str) else json.dumps(value)


def _end(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    """Have every run save its state, as Ctrl-C does; what does not in time is killed."""
    left = [process for process in processes if process.poll() is None]
    for process in left:
        process.send_signal(signal.SIGINT)
    until = time.monotonic() + SAVE_S
    for process in left:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(until - time.monotonic(), 0))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _standing(entries: tuple[Entry, ...], folder: Path) -> str:
    """Say where each run stands, a line each."""
    lines = []
    for entry in entries:
        metrics = folder / "runs" / entry.name / "metrics.jsonl"
        said = folder / "said" / f"{entry.name}.txt"
        if metrics.exists():
            rows = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
            best = max(next(iter(v for k, v in row["validation"].items() if k != "loss")) for row in rows)
            lines.append(f"{entry.name}: epoch {rows[-1]['epoch']}, {rows[-1]['seconds']:.0f} s, best {best:.4f}")
        elif said.exists():
            last = (said.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["started"])[-1]
            lines.append(f"{entry.name}: {last}")
    return "\n".join([*lines, ""])
