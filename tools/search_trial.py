#!/usr/bin/env python3
"""What searches find beside the whole study, and what they save: tools/search_trial.py [--folder DIR] [-o RECORD]

Sixteen runs on the embedded digits, drawn at random, each trained to its end: that is the whole study, for two draws.
Then ``[search]`` decides from the same figures by each rule, which trains nothing, as all that it may ask for is there:
how many epochs it needed, which run it found best, and which place that has among all sixteen. The first draw is
searched from nothing as well, on this machine, and by Ray, where the command is killed (SIGKILL) once a run has been
let go on, and given again: both have to come to the same decisions, and to the weights of the whole study's runs.

docs/results/search.md is made from docs/records/search.json by ``tools/docs/search_page.py``. Epochs are counted, no
time is measured. Linux alone; some minutes.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from edgecnn import documents, files
from edgecnn.errors import CheckFailed
from edgecnn.machine.environment import Environment, environment
from edgecnn.study.read import read
from edgecnn.study.results import StudyResult
from edgecnn.study.run import run_study

RECORD = Path(__file__).resolve().parents[1] / "docs" / "records" / "search.json"
EPOCHS, RUNS, DRAWS = 9, 16, 2
STUDY = """\
description = "Rates, decays and batches on the embedded digits"
recipe = "digits-compact"

[set]
epochs = 9
precision = "fp32"
data = { subset = 800, validation = 200 }
network.parameters = { filters = [8, 16] }

[random]
samples = 16
seed = SEED

[random.vary]
"optimizer.learning_rate" = { log_uniform = [1e-4, 1e-1] }
"regularization.weight_decay" = { uniform = [0.0, 0.2] }
batch_size = [32, 64, 128]
"""
Rule = tuple[str, int, int]  # its name, after how many epochs it compares first, and one of how many goes on
SEARCH = '\n[search]\nscheduler = "{}"\ngrace_epochs = {}\nreduction = {}\n'
RULES = tuple((name, grace, reduction) for grace in (1, 3) for name in ("halving", "asha") for reduction in (2, 3))
REAL = ("halving", 3, 3)
PATIENCE_S = 3600.0


@dataclass(frozen=True)
class Found:
    """What one search came to: its ``epochs``, the run that it found ``best``, with its accuracy and its place among
    all runs, and the accuracy of the best of all."""

    draw: int
    scheduler: str
    grace_epochs: int
    reduction: int
    epochs: int
    best: str
    accuracy: float
    place: int
    best_accuracy: float


@dataclass(frozen=True)
class Trained:
    """A search from nothing: ``epochs`` that are in its runs' folders, whether its record is that of the search which
    was decided from the whole study, and how many files of weights have the bytes that they have there, of how many."""

    what: str
    epochs: int
    epochs_twice: int
    same_record: bool
    same_weights: int
    weights: int


@dataclass(frozen=True)
class SearchTrial:
    """All of it."""

    epochs_of_all: int
    found: tuple[Found, ...]
    trained: tuple[Trained, ...]
    environment: Environment
    ray: str
    date: str


class Trial:
    """The studies in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, output: str, text: str, on: str | None = None) -> StudyResult:
        """Run a study of that text into a folder of that name."""
        return run_study(read(self.write(text)), self.folder / output, on=on)

    def write(self, text: str) -> str:
        """Write the study's file, and return its path."""
        (self.folder / "runs.toml").write_text(text)
        return str(self.folder / "runs.toml")

    def killed(self, output: str, text: str) -> None:
        """Kill one on Ray once a run was let go on."""
        command = [sys.executable, "-m", "edgecnn_cli", "study", self.write(text), "-o", output, "--on", "ray"]
        with (self.folder / f"{output}.log").open("a") as log:
            process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        ends = time.monotonic() + PATIENCE_S
        while max(map(len, _epochs(self.folder / output).values()), default=0) <= REAL[1]:
            if process.poll() is not None or time.monotonic() > ends:
                raise CheckFailed(f"{output}: ended before it could be killed; see {self.folder / output}.log")
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def decided(self, draw: int, rule: Rule, whole: StudyResult) -> tuple[Found, StudyResult]:
        """Search in a copy of the whole study's folder. Raises CheckFailed where that trained anything."""
        output = "-".join(map(str, (*rule, draw)))
        shutil.copytree(whole.folder, self.folder / output, dirs_exist_ok=True)
        before = _epochs(whole.folder)
        result = self.run(output, _text(draw, rule))
        if _epochs(result.folder) != before or result.search is None or result.search.best is None:
            raise CheckFailed(f"{output}: expected a search that trains nothing and finds a run.")
        scores = {run.label: run.finished.score for run in whole.runs if run.finished}
        best = result.search.best
        place = 1 + sum(score > scores[best] for score in scores.values())
        return Found(draw, *rule, result.search.epochs, best, scores[best], place, max(scores.values())), result


def tried(folder: Path) -> SearchTrial:
    """Run it all."""
    import ray

    trial, found, replayed, wholes = Trial(folder), [], {}, []
    for draw in range(DRAWS):
        wholes.append(trial.run(f"whole-{draw}", _text(draw)))
        for rule in RULES:
            one, replayed[draw, rule] = trial.decided(draw, rule, wholes[draw])
            found.append(one)
            print(one, flush=True)
    here = trial.run("here", _text(0, REAL))
    trial.killed("ray", _text(0, REAL))
    by_ray = trial.run("ray", _text(0, REAL), on="ray")
    trained = [
        _compared(what, result, replayed[0, REAL], wholes[0])
        for what, result in (("on this machine", here), ("by Ray, killed once and given again", by_ray))
    ]
    return SearchTrial(
        epochs_of_all=RUNS * EPOCHS,
        found=tuple(found),
        trained=tuple(trained),
        environment=environment(),
        ray=ray.__version__,
        date=f"{datetime.now(UTC):%Y-%m-%d}",
    )


def _compared(what: str, result: StudyResult, decided: StudyResult, whole: StudyResult) -> Trained:
    epochs = _epochs(result.folder)
    pairs = [
        (result.folder / "runs" / run.run.name / name, whole.folder / "runs" / run.run.name / name)
        for run in result.runs
        if run.finished
        for name in ("best.safetensors", "last.safetensors")
    ]
    return Trained(
        what=what,
        epochs=sum(map(len, epochs.values())),
        epochs_twice=sum(found != list(range(1, len(found) + 1)) for found in epochs.values()),
        same_record=result.search == decided.search,
        same_weights=sum(one.read_bytes() == other.read_bytes() for one, other in pairs),
        weights=len(pairs),
    )


def _text(draw: int, rule: Rule | None = None) -> str:
    return STUDY.replace("SEED", str(draw)) + (SEARCH.format(*rule) if rule else "")


def _epochs(study: Path) -> dict[str, list[int]]:
    """Return the epochs of each run."""
    return {
        path.parent.name: [json.loads(line)["epoch"] for line in path.read_text().splitlines()]
        for path in (study / "runs").glob("*/metrics.jsonl")
    }


def _rule(one: Found) -> tuple[int, str, int, int]:
    return one.draw, one.scheduler, one.grace_epochs, one.reduction


def passed(trial: SearchTrial) -> bool:
    """Tell whether what was trained is as it has to be."""
    decided = next(one.epochs for one in trial.found if _rule(one) == (0, *REAL))
    return all(
        one.same_record and one.same_weights == one.weights > 0 and one.epochs_twice == 0 and one.epochs == decided
        for one in trial.trained
    )


def main() -> None:
    """Run, write the record, and leave with 1 where something is not as it has to be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where to keep the studies; by default they go")
    parser.add_argument("-o", "--output", type=Path, default=RECORD)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="search-trial-") as folder:
        found = tried((arguments.folder or Path(folder)).absolute())
    files.write_text(arguments.output, documents.to_json(documents.encode(found)) + "\n")
    print("passed" if passed(found) else "FAILED")
    sys.exit(0 if passed(found) else 1)


if __name__ == "__main__":
    main()
