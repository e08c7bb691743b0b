#!/usr/bin/env python3
"""A study by Ray that is interrupted, and the same on this machine: tools/study_trial.py [--folder DIR] [-o RECORD]

24 short runs on the embedded digits. First ``edgecnn study`` trains them here. Then ``edgecnn study --on ray`` trains
the same: it gets SIGINT once a quarter is done, is started again and killed (SIGKILL) once half is done, and started
again; this time one training process and one of Ray's workers are killed while they train. What is compared: the
study's record but for times, and each file of weights, byte for byte. What is counted: starts of each run, and those of
a run that was finished already.

docs/results/scale-study.md is made from docs/records/scale-study.json by ``tools/docs/scale_study_page.py``. Linux
alone; some minutes.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edgecnn import documents, files
from edgecnn.errors import CheckFailed
from edgecnn.machine.environment import Environment, environment

RECORD = Path(__file__).resolve().parents[1] / "docs" / "records" / "scale-study.json"
STUDY = """\
description = "Rates and widths on the embedded digits"
recipe = "digits-compact"
seeds = [0, 1, 2]

[set]
epochs = 8
batch_size = 32
precision = "fp32"
data = { subset = 600, validation = 100 }

[grid]
"optimizer.learning_rate" = [1e-3, 3e-3, 1e-2, 3e-2]
"network.parameters.filters" = [[4, 8], [8, 16]]
"""
EPOCHS, RUNS = 8, 24
TIMES = {"seconds", "seconds_per_epoch", "folder"}
PATIENCE_S = 3600.0


@dataclass(frozen=True)
class Phase:
    """One start of the command, and how it ended: its exit code, seconds, and how many runs were finished then."""

    what: str
    code: int
    seconds: float
    finished: int


@dataclass(frozen=True)
class StudyTrial:
    """``starts`` counts by how many runs were started so often; ``starts_of_finished`` and ``epochs_twice`` have to be
    0. ``same_weights`` counts files of weights with the same bytes as on this machine alone, of ``weights``.
    ``local_seconds`` is None where that study was finished before."""

    runs: int
    phases: tuple[Phase, ...]
    local_seconds: float | None
    starts: dict[str, int]
    starts_of_finished: int
    epochs_twice: int
    same_weights: int
    weights: int
    same_record: bool
    environment: Environment
    ray: str
    date: str


class Trial:
    """The studies in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rates.toml").write_text(STUDY)

    def start(self, name: str, *more: str) -> subprocess.Popen[str]:
        """Start the study into a folder of that name."""
        command = [sys.executable, "-m", "edgecnn_cli", "study", "rates.toml", "-o", name, *more]
        with (self.folder / f"{name}.log").open("a") as log:
            return subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, text=True)

    def finished(self, name: str) -> int:
        """Count the runs that are."""
        return len(list((self.folder / name / "runs").glob("*/outcome.json")))

    def phase(self, what: str, until: int, disturb: Callable[[subprocess.Popen[str]], None] | None) -> Phase:
        """Start it by Ray, and once ``until`` runs are finished do something to it."""
        began, process = time.monotonic(), self.start("ray", "--on", "ray")
        if disturb is not None:
            self._wait(lambda: self.finished("ray") >= until or process.poll() is not None, what)
            disturb(process)
        code = process.wait(PATIENCE_S)
        print(f"{what}: exit code {code}, {self.finished('ray')} of {RUNS} runs finished", flush=True)
        return Phase(what, code, round(time.monotonic() - began, 1), self.finished("ray"))

    def lose_two(self, process: subprocess.Popen[str]) -> None:
        """Kill a process that trains, and the worker of Ray's above another one."""
        lost: set[str] = set()
        for of_ray in (False, True):
            self._wait(lambda: bool(self._training(lost)), "a run that trains")
            name, pid = self._training(lost)[0]
            lost.add(name)
            os.kill(_parent(pid) if of_ray else pid, signal.SIGKILL)

    def _training(self, without: set[str]) -> list[tuple[str, int]]:
        """Return the runs that train now and have finished an epoch, with their processes."""
        found = []
        for path in sorted((self.folder / "ray" / "starts").glob("*.txt")):
            run = self.folder / "ray" / "runs" / path.stem
            lines = path.read_text().split()
            if path.stem in without or (run / "outcome.json").exists() or not (run / "metrics.jsonl").exists():
                continue
            if lines and Path(f"/proc/{lines[-1]}").exists():
                found.append((path.stem, int(lines[-1])))
        return found

    def _wait(self, until: Callable[[], bool], what: str) -> None:
        ends = time.monotonic() + PATIENCE_S
        while not until():
            if time.monotonic() > ends:
                raise CheckFailed(f"{what}: did not come about in {PATIENCE_S:.0f} s; see {self.folder}.")
            time.sleep(0.05)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _interrupt(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()


def tried(folder: Path) -> StudyTrial:
    """Run it all. Raises CheckFailed where a command does not end."""
    import ray

    trial, began = Trial(folder), time.monotonic()
    was_finished = trial.finished("local") == RUNS
    code = trial.start("local").wait(PATIENCE_S)
    local_seconds = None if was_finished else round(time.monotonic() - began, 1)
    print(f"on this machine: exit code {code}, {trial.finished('local')} of {RUNS} runs finished", flush=True)
    phases = (
        trial.phase("SIGINT once a quarter was done", RUNS // 4, _interrupt),
        trial.phase("SIGKILL once half was done", RUNS // 2, _kill),
        trial.phase("a training process and a worker of Ray's were killed", RUNS // 2, trial.lose_two),
    )
    starts, late = _starts(folder / "ray")
    pairs = [
        ((folder / "local" / "runs" / name / weights), (folder / "ray" / "runs" / name / weights))
        for name in sorted(path.name for path in (folder / "local" / "runs").iterdir())
        for weights in ("best.safetensors", "last.safetensors")
    ]
    return StudyTrial(
        runs=trial.finished("ray"),
        phases=phases,
        local_seconds=local_seconds,
        starts={str(count): list(starts.values()).count(count) for count in sorted(set(starts.values()))},
        starts_of_finished=late,
        epochs_twice=sum(_epochs(run) != list(range(1, EPOCHS + 1)) for run in (folder / "ray" / "runs").iterdir()),
        same_weights=sum(one.read_bytes() == other.read_bytes() for one, other in pairs),
        weights=len(pairs),
        same_record=_record(folder / "local") == _record(folder / "ray"),
        environment=environment(),
        ray=ray.__version__,
        date=f"{datetime.now(UTC):%Y-%m-%d}",
    )


def _starts(study: Path) -> tuple[dict[str, int], int]:
    """Count the starts of each run, and those of one that was finished."""
    counts, late = {}, 0
    for path in (study / "starts").glob("*.txt"):
        at = [line.split()[0] for line in path.read_text().splitlines()]
        ended = datetime.fromtimestamp((study / "runs" / path.stem / "outcome.json").stat().st_mtime, UTC)
        counts[path.stem] = len(at)
        late += sum(datetime.fromisoformat(one) > ended for one in at)
    return counts, late


def _epochs(run: Path) -> list[int]:
    return [json.loads(line)["epoch"] for line in (run / "metrics.jsonl").read_text().splitlines()]


def _record(study: Path) -> Any:
    """Return what study.json says but for times."""
    return _without_times(json.loads((study / "study.json").read_text()))


def _without_times(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _without_times(value) for key, value in found.items() if key not in TIMES}
    return [_without_times(one) for one in found] if isinstance(found, list) else found


def passed(trial: StudyTrial) -> bool:
    """Tell whether everything is as it has to be."""
    return (
        trial.runs == RUNS
        and [phase.code for phase in trial.phases] == [130, -signal.SIGKILL, 0]
        and trial.starts_of_finished == trial.epochs_twice == 0
        and trial.same_weights == trial.weights
        and trial.same_record
    )


def main() -> None:
    """Run, write the record, and leave with 1 where something is not as it has to be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where to keep the studies; by default they go")
    parser.add_argument("-o", "--output", type=Path, default=RECORD)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="study-trial-") as folder:
        found = tried((arguments.folder or Path(folder)).absolute())
    files.write_text(arguments.output, documents.to_json(documents.encode(found)) + "\n")
    print(documents.to_json(documents.encode(found)))
    print("passed" if passed(found) else "FAILED")
    sys.exit(0 if passed(found) else 1)


if __name__ == "__main__":
    main()
