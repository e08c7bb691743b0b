#!/usr/bin/env python3
"""One training in 1, 2 and 4 processes, and ten whose process is killed: tools/torchrun_trial.py --data-root ROOT

MNIST is trained for an epoch by ``torchrun`` with one process, two and four, each with the same three seeds: with SGD,
and with the recipe's own Adam. What is compared: accuracy on the validation split, images a second, and how far the
weights are from those of one process; beside it, how far those of one process are on one core in place of all, where
sums come in another order as well. Then two processes train for two epochs, ten times; each time one of them, drawn,
gets SIGKILL at a moment that is drawn between their start and their end, and torchrun may start them anew. What is
compared there: how torchrun ended, accuracy, and the files of weights, byte for byte, with those of an undisturbed run.

Each training is written down in the folder as it ends, so a trial that was stopped goes on with the next one.
docs/results/many-processes.md is made from docs/records/torchrun.json by ``tools/docs/torchrun_page.py``. Linux alone;
about ten minutes on two cores.
"""

import argparse
import contextlib
import json
import math
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from edgecnn import documents, files
from edgecnn.errors import CheckFailed
from edgecnn.machine.conditions import Watch
from edgecnn.machine.environment import Environment, environment

RECORD = Path(__file__).resolve().parents[1] / "docs" / "records" / "torchrun.json"
BEST, LAST, METRICS, OUTCOME = "best.safetensors", "last.safetensors", "metrics.jsonl", "outcome.json"
TOGETHER, RESTARTS = 2, 3  # processes of which one is killed, and how often torchrun may start them anew
FAR = 0.03  # how far the weights of SGD may be from those of one process after an epoch, as a share of their size
ERRORS = 3  # standard errors of the difference of two means, within which accuracies are the same
STATISTICS = re.compile(r"\.(running_mean|running_var|num_batches_tracked)$")
LOOK_S, PATIENCE_S, TRIES = 0.02, 600.0, 5

T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """What is trained: a recipe with ``settings``, and for each optimizer those of its own; ``killed`` are those of the
    trainings that lose a process, ``kills`` how many there are."""

    recipe: str
    settings: list[str]
    optimizers: dict[str, list[str]]
    counts: list[int]
    seeds: list[int]
    killed: list[str]
    kills: int


WHOLE = Plan(
    recipe="mnist-c1",
    settings=["precision=fp32", "network.parameters.batch_norm=true", "batch_size=100"],
    optimizers={
        "SGD": ["optimizer.name=sgd", "optimizer.learning_rate=0.02", "epochs=1"],
        "Adam": ["epochs=1"],
    },
    counts=[1, 2, 4],
    seeds=[0, 1, 2],
    killed=["epochs=2", "data.subset=20000"],
    kills=10,
)
SMALL = Plan(
    recipe="digits-compact",
    settings=["precision=fp32", "network.parameters.filters=[8]", "data.subset=800"],
    optimizers={"SGD": ["optimizer.name=sgd", "optimizer.learning_rate=0.01", "epochs=2"]},
    counts=[1, 2],
    seeds=[0, 1],
    killed=["epochs=8"],
    kills=1,
)


@dataclass(frozen=True)
class Ran:
    """A training that nothing disturbed. ``accuracy`` is that of the validation split after the last epoch,
    ``images_per_second`` are of that epoch, ``seconds`` of the whole command and ``worked_s`` from the moment when all
    its processes were there; ``others`` is the share of the processors that other programs took. ``apart`` is how far
    its weights are from those of one process with the same seed, as a share of their size."""

    optimizer: str
    processes: int
    seed: int
    code: int
    accuracy: float
    images_per_second: float
    seconds: float
    worked_s: float
    others: float | None
    apart: float


@dataclass(frozen=True)
class Killed:
    """A training that lost the process ``rank`` after ``after_s`` seconds, when its run ``stood`` there. ``code`` is
    torchrun's, None where it did not end by itself; ``starts`` how often the processes were started. ``same`` tells
    whether both files of weights have the bytes of the undisturbed run."""

    number: int
    rank: int
    after_s: float
    stood: str
    code: int | None
    starts: int
    seconds: float
    accuracy: float
    same: bool


@dataclass(frozen=True)
class Trial:
    """All of it. ``one_core`` are runs of SGD in one process on one core; ``seeds_apart`` is how far the weights of two
    seeds are from each other in one process, by optimizer."""

    plan: Plan
    far: float
    runs: list[Ran]
    one_core: list[Ran]
    seeds_apart: dict[str, float]
    undisturbed: Ran
    killed: list[Killed]
    environment: Environment
    date: str

    def of(self, optimizer: str, processes: int) -> list[Ran]:
        """Return the runs of one cell, a seed each."""
        return [one for one in self.runs if (one.optimizer, one.processes) == (optimizer, processes)]

    def accuracy(self, optimizer: str, processes: int) -> float:
        """Return the mean over seeds."""
        return statistics.mean(one.accuracy for one in self.of(optimizer, processes))

    def noise(self, optimizer: str) -> float:
        """Return how far two such means may be apart by chance: some standard errors of their difference, by how much
        runs of the same number of processes differ over seeds."""
        groups = [[one.accuracy for one in self.of(optimizer, count)] for count in self.plan.counts]
        variance = statistics.mean(statistics.variance(group) for group in groups)
        return ERRORS * math.sqrt(2 * variance / len(self.plan.seeds))


def failures(trial: Trial) -> list[str]:
    """Return what is not as it has to be."""
    runs = [*trial.runs, *trial.one_core, trial.undisturbed]
    found = [f"{one.optimizer}, {one.processes} processes: exit code {one.code}" for one in runs if one.code]
    for one in trial.runs:
        if one.optimizer == "SGD" and not one.apart <= trial.far:
            found.append(f"SGD, {one.processes} processes, seed {one.seed}: weights are {one.apart:.1e} away")
    for optimizer in trial.plan.optimizers:
        first, noise = trial.accuracy(optimizer, 1), trial.noise(optimizer)
        for count in trial.plan.counts:
            if not abs(trial.accuracy(optimizer, count) - first) <= noise:
                found.append(f"{optimizer}, {count} processes: accuracy differs by more than noise ({noise:.2%})")
    found += [f"kill {one.number}: {one}" for one in trial.killed if one.code != 0 or one.starts != 2 or not one.same]
    if len(trial.killed) != trial.plan.kills:
        found.append(f"{len(trial.killed)} kills of {trial.plan.kills}")
    return found


@dataclass
class Watched:
    """A torchrun under way: the processes that it started, in the order in which they were seen."""

    process: subprocess.Popen[bytes]
    expected: int
    workers: list[int] = field(default_factory=list)
    there: float | None = None  # when all were there first

    def look(self) -> bool:
        """Note who is there, and tell whether torchrun has not ended."""
        self.workers += [one for one in _children(self.process.pid) if one not in self.workers]
        if self.there is None and len(self.workers) >= self.expected:
            self.there = time.monotonic()
        return self.process.poll() is None

    @property
    def starts(self) -> int:
        """How often all were started."""
        return len(self.workers) // self.expected

    def worked_s(self) -> float:
        """Return for how many seconds all have been there."""
        return 0.0 if self.there is None else time.monotonic() - self.there

    def to_the_end(self) -> int | None:
        """Wait for its end, and return its exit code; None for one that does not end, and is ended here."""
        ends = time.monotonic() + PATIENCE_S
        while self.look():
            if time.monotonic() > ends:
                self.process.terminate()
                self.process.wait(60)
                return None
            time.sleep(LOOK_S)
        return self.process.returncode


def _children(process: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(number) for number in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return []


def _is_alive(process: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


class Bench:
    """The trainings in a folder."""

    def __init__(self, plan: Plan, folder: Path, root: Path | None) -> None:
        """Raises CheckFailed for a folder with another plan in it."""
        self.plan, self.folder, self.root = plan, folder, root
        there = folder / "plan.json"
        if there.exists() and documents.read(Plan, there) != plan:
            raise CheckFailed(f"{folder}: holds a trial of another plan. Choose another folder.")
        folder.mkdir(parents=True, exist_ok=True)
        files.write_text(there, documents.to_json(plan) + "\n")

    @contextlib.contextmanager
    def started(
        self, name: str, processes: int, seed: int, settings: list[str], restarts: int = 0, cores: int | None = None
    ) -> Iterator[Watched]:
        """Start a training into a folder of that name, which goes before; on all cores, or on so many."""
        run = self.folder / name
        shutil.rmtree(run, ignore_errors=True)
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
        command += ["--max-restarts", str(restarts), "-m", "edgecnn_cli", "train", self.plan.recipe, "-o", str(run)]
        command += ["--seed", str(seed), *(word for one in (*self.plan.settings, *settings) for word in ("--set", one))]
        command += [] if self.root is None else ["--data-root", str(self.root)]
        own = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
        with (
            (self.folder / f"{name}.log").open("wb") as log,
            subprocess.Popen(command, stdout=log, stderr=log, env=own, preexec_fn=lambda: _keep_to(cores)) as process,
        ):
            yield Watched(process, processes)

    def ran(
        self,
        name: str,
        optimizer: str,
        processes: int,
        seed: int,
        settings: list[str],
        *,
        of: str | None = None,
        cores: int | None = None,
    ) -> Ran:
        """Train to the end, unless that was done; ``of`` is the run that its weights are compared with."""

        def train() -> Ran:
            watch, began = Watch(), time.monotonic()
            with self.started(name, processes, seed, settings, cores=cores) as watched:
                code = watched.to_the_end()
                seconds, worked_s = time.monotonic() - began, watched.worked_s()
            if code != 0:
                raise CheckFailed(f"{name}: torchrun ended with {code}; see {self.folder / name}.log")
            accuracy, rate = self._last_epoch(name)
            others = watch.conditions().others
            away = 0.0 if of is None else apart(self.folder / of, self.folder / name)
            return Ran(optimizer, processes, seed, code, accuracy, rate, seconds, worked_s, others, away)

        return self._once(Ran, name, train)

    def killed(self, number: int, undisturbed: Ran) -> Killed:
        """Train to the end and lose a process on the way, unless that was done."""
        draws = random.Random(number)

        def train() -> Killed:
            for _ in range(TRIES):
                rank, after_s = draws.randrange(TOGETHER), draws.uniform(0, undisturbed.worked_s)
                found = self._killed(number, rank, after_s)
                if found is not None:
                    return found
            raise CheckFailed(f"kill {number}: all {TRIES} trainings had ended before the moment that was drawn.")

        return self._once(Killed, f"killed-{number}", train)

    def _killed(self, number: int, rank: int, after_s: float) -> Killed | None:
        """Kill a process; None where it had ended by then."""
        name, began = f"killed-{number}", time.monotonic()
        with self.started(name, TOGETHER, 0, self.plan.killed, RESTARTS) as watched:
            while watched.look() and watched.worked_s() < after_s:
                time.sleep(LOOK_S)
            stood = self._stands(name)
            there = len(watched.workers) == TOGETHER and _is_alive(watched.workers[rank])
            if there:
                os.kill(watched.workers[rank], signal.SIGKILL)
            code = watched.to_the_end()
        if not there:
            return None
        accuracy, _ = self._last_epoch(name) if code == 0 else (0.0, 0.0)
        seconds = time.monotonic() - began
        same = code == 0 and all(self._bytes("undisturbed", one) == self._bytes(name, one) for one in (BEST, LAST))
        return Killed(number, rank, after_s, stood, code, watched.starts, seconds, accuracy, same)

    def _stands(self, name: str) -> str:
        """Say where a run stands."""
        run = self.folder / name
        if (run / OUTCOME).exists():
            return "finished, its processes about to end"
        if not (run / "recipe.toml").exists():
            return "before the run was begun"
        done = len((run / METRICS).read_text().splitlines()) if (run / METRICS).exists() else 0
        return f"{done} epoch{'' if done == 1 else 's'} finished"

    def _last_epoch(self, name: str) -> tuple[float, float]:
        row = json.loads((self.folder / name / METRICS).read_text().splitlines()[-1])
        return row["validation"]["accuracy"], row["images_per_second"]

    def _bytes(self, name: str, file: str) -> bytes:
        return (self.folder / name / file).read_bytes()

    def _once(self, kind: type[T], name: str, train: Callable[[], T]) -> T:
        """Return what was written down of a training, or train, and write that down."""
        there = self.folder / f"{name}.json"
        if not there.exists():
            found = train()
            files.write_text(there, documents.to_json(found) + "\n")
            print(f"{name}: {found}", flush=True)
        return documents.read(kind, there)


def _keep_to(cores: int | None) -> None:
    if cores is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def apart(first: Path, second: Path) -> float:
    """Return the distance of the weights of two runs after the last epoch, as a share of their size. What norms count
    and measure, and the scale of pixels, are no weights."""
    import torch

    from edgecnn import checkpoint

    one, other = (
        torch.cat([tensor.double().flatten() for name, tensor in _learned(checkpoint.read(run / LAST).weights)])
        for run in (first, second)
    )
    return float((one - other).norm() / one.norm())


def _learned(weights: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found = sorted(weights.items(), key=lambda item: item[0])
    return [(name, tensor) for name, tensor in found if name.startswith("network.") and not STATISTICS.search(name)]


def tried(plan: Plan, folder: Path, root: Path | None) -> Trial:
    """Train it all. Raises CheckFailed where a training fails that nothing disturbed."""
    bench, machine = Bench(plan, folder, root), environment()
    runs = []
    for optimizer, settings in plan.optimizers.items():
        for seed in plan.seeds:
            for count in plan.counts:
                name, alone = (f"{optimizer}-{seed}-{number}" for number in (count, plan.counts[0]))
                runs.append(bench.ran(name, optimizer, count, seed, settings, of=None if name == alone else alone))
    one_core = [
        bench.ran(f"SGD-{seed}-one-core", "SGD", 1, seed, plan.optimizers["SGD"], of=f"SGD-{seed}-1", cores=1)
        for seed in plan.seeds
    ]
    undisturbed = bench.ran("undisturbed", "", TOGETHER, 0, plan.killed)
    seeds_apart = {
        optimizer: apart(*(folder / f"{optimizer}-{seed}-{plan.counts[0]}" for seed in plan.seeds[:2]))
        for optimizer in plan.optimizers
    }
    return Trial(
        plan=plan,
        far=FAR,
        runs=runs,
        one_core=one_core,
        seeds_apart=seeds_apart,
        undisturbed=undisturbed,
        killed=[bench.killed(number, undisturbed) for number in range(1, plan.kills + 1)],
        environment=machine,
        date=f"{datetime.now(UTC):%Y-%m-%d}",
    )


def main() -> None:
    """Run, write the record, and leave with 1 where something is not as it has to be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, help="where MNIST lies")
    parser.add_argument("--folder", type=Path, help="where to keep the runs; by default they go")
    parser.add_argument("--small", action="store_true", help="the embedded digits, in a minute: to try this program")
    parser.add_argument("-o", "--output", type=Path, default=RECORD)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="torchrun-trial-") as folder:
        try:
            home = (arguments.folder or Path(folder)).absolute()
            found = tried(SMALL if arguments.small else WHOLE, home, arguments.data_root)
        except CheckFailed as error:
            sys.exit(f"error: {error}")
    files.write_text(arguments.output, documents.to_json(found) + "\n")
    wrong = failures(found)
    print("\n".join(wrong) if wrong else "passed")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
