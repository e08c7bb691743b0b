#!/usr/bin/env python3
"""How often bench is right where the truth is known: tools/bench_trials.py [--same N] [--slowed N] [-o RECORD]
and whether it tells a quiet machine from a busy one: tools/bench_trials.py --quiet N --busy N [-o RECORD]

``same`` is a file against a copy of itself, ``slowed`` against one with extra work: the sine of so many numbers, added
to its logits times nothing that shows. How many numbers make a call longer by ``--slowdown`` percent is found here, and
measured by itself, in one process and without bench. Trials take turns. Each is one ``edgecnn bench`` with its
defaults, batch 1 and one thread. A record that is there is gone on with, so that a machine can be tried at several
hours. ``quiet`` and ``busy`` are the file against a copy as well, where nothing else is to run, and beside a program
that keeps each processor busy; they have a record of their own.

docs/results/bench-trials.md is made from docs/records/bench-trials.json and bench-conditions.json by
``tools/docs/bench_trials_page.py``.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from edgecnn import documents, files, zoo
from edgecnn.bench import bench
from edgecnn.bench.interval import Estimate, estimate
from edgecnn.machine.environment import Environment, environment
from edgecnn.machine.threads import available
from edgecnn.machine.timing import timed_block
from edgecnn.runtime.classifier import load

RECORD = Path(__file__).resolve().parents[1] / "docs" / "records" / "bench-trials.json"
CONDITIONS = RECORD.with_name("bench-conditions.json")
PROCESSES, BLOCKS, CALLS = 6, 60, 60  # of the calibration: sessions of each file, blocks each, calls a block
FIRST_NUMBERS = 4000
STEPS = 4
NO_SUMMAND = 1e-30
SPIN = "while True: pass"
Kind = Literal["same", "slowed", "quiet", "busy"]
KINDS: tuple[Kind, ...] = ("same", "slowed", "quiet", "busy")
DEFAULT: Mapping[Kind, int] = {"same": 60, "slowed": 20}


@dataclass(frozen=True)
class Trial:
    """One benchmark: what it said, and what others took of the processors meanwhile (a share of 1).

    ``truth`` is how many times as long the file takes by the other measurement, 1 for a copy; ``called_quiet`` whether
    bench said that the machine was.
    """

    kind: Kind
    truth: float
    ratio: float
    ratio_ci95: tuple[float, float]
    verdict: str
    launches: int
    seconds: float
    others: float | None
    load_average: float | None
    called_quiet: bool | None = None


@dataclass(frozen=True)
class Trials:
    """All trials of a model on a machine."""

    model: str
    environment: Environment
    trials: list[Trial]


def slowed_by(graph: bytes, numbers: int) -> bytes:
    """Return a classifier's file with the sine of so many numbers on the way to its logits, which stay as they are."""
    model = onnx.load_model_from_string(graph)
    found = model.graph
    last = next(node for node in found.node if "logits" in node.output)
    last.output[list(last.output).index("logits")] = "logits_before"
    for node in found.node:
        for index, name in enumerate(node.input):
            if name == "logits":
                node.input[index] = "logits_before"
    found.initializer.extend(
        [
            numpy_helper.from_array(np.linspace(0, 1, numbers, dtype=np.float32), "work_numbers"),
            numpy_helper.from_array(np.float32(NO_SUMMAND), "work_nothing"),
        ]
    )
    extra = [
        helper.make_node("ReduceMean", ["logits_before"], ["work_mean"], keepdims=0),
        helper.make_node("Add", ["work_numbers", "work_mean"], ["work_moved"]),
        helper.make_node("Sin", ["work_moved"], ["work_sines"]),
        helper.make_node("ReduceMean", ["work_sines"], ["work_done"], keepdims=0),
        helper.make_node("Mul", ["work_done", "work_nothing"], ["work_small"]),
        helper.make_node("Add", ["logits_before", "work_small"], ["logits"]),
    ]
    place = list(found.node).index(last) + 1
    nodes = [*list(found.node)[:place], *extra, *list(found.node)[place:]]
    del found.node[:]
    found.node.extend(nodes)
    return model.SerializeToString()


def calibrated(graph: bytes, plain: Path, wanted: float) -> tuple[Path, Estimate]:
    """Return a file that takes ``wanted`` times as long, and how much longer it takes by a measurement of its own."""
    slow = plain.with_name("slowed.onnx")
    numbers = FIRST_NUMBERS
    for _ in range(STEPS):
        slow.write_bytes(slowed_by(graph, numbers))
        found = measured(slow, plain, PROCESSES // 2)
        print(f"{numbers} numbers: {found.value:.3f} ({found.low:.3f}..{found.high:.3f})", flush=True)
        numbers = max(1, round(numbers * (wanted - 1) / max(found.value - 1, 0.01)))
    slow.write_bytes(slowed_by(graph, numbers))
    return slow, measured(slow, plain, PROCESSES)


def measured(own: Path, other: Path, sessions: int) -> Estimate:
    """Return how much longer a file takes than another, by blocks of calls that take turns in this process."""
    logs = []
    for _ in range(sessions):
        calls = [_call(path) for path in (own, other)]
        pairs = [[np.median(timed_block(call, CALLS, pool=False)) for call in calls] for _ in range(BLOCKS)]
        logs.append(np.log([one / another for one, another in pairs]))
    return estimate(logs)


def _call(path: Path) -> Callable[[], NDArray[np.float32]]:
    classifier = load(path, threads=1)
    image_nhwc = classifier.card.golden.images_nhwc[:1]
    return lambda: classifier.logits(image_nhwc)


def run(kind: Kind, truth: float, file: Path, other: Path) -> Trial:
    """Make one trial."""
    started = time.perf_counter()
    report = bench([file, other], batches=(1,), threads=(1,))
    (found,) = report.comparisons
    conditions = report.conditions
    return Trial(
        kind=kind,
        truth=truth,
        ratio=found.ratio,
        ratio_ci95=found.ratio_ci95,
        verdict=found.verdict,
        launches=found.launches,
        seconds=time.perf_counter() - started,
        others=conditions.others if conditions else None,
        load_average=conditions.load_average if conditions else None,
        called_quiet=not conditions.troubles if conditions and conditions.others is not None else None,
    )


@contextlib.contextmanager
def beside_others() -> Iterator[None]:
    """Keep every processor busy with a program that is not ours to measure."""
    others = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(available())]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def in_turn(wanted: Mapping[Kind, int]) -> Iterator[Kind]:
    """Yield what to try, the kinds mixed evenly.

    >>> list(in_turn({"same": 2, "slowed": 2}))
    ['same', 'slowed', 'same', 'slowed']
    """
    for number in range(max(wanted.values())):
        yield from (kind for kind, count in wanted.items() if number < count)


def main() -> None:
    """Try, and write the record after every trial."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="mnist-c1")
    for kind in KINDS:
        parser.add_argument(f"--{kind}", type=int, default=0, metavar="N")
    parser.add_argument("--slowdown", type=float, default=10.0, help="percent")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    wanted = {kind: getattr(options, kind) for kind in KINDS if getattr(options, kind)} or dict(DEFAULT)
    if len({output_of(kind) for kind in wanted}) > 1:
        parser.error("quiet and busy trials have a record of their own: try them alone")
    output = options.output or output_of(next(iter(wanted)))
    tried(options.model, wanted, 1 + options.slowdown / 100, output)


def output_of(kind: Kind) -> Path:
    """Return the record of a kind of trial."""
    return RECORD if kind in DEFAULT else CONDITIONS


def tried(name: str, wanted: Mapping[Kind, int], slowdown: float, output: Path) -> None:
    """Make the trials that are wanted, after those that a record has."""
    graph = zoo.find(name).read_bytes()
    record = Trials(name, environment(), [])
    if output.exists():
        record = replace(record, trials=documents.read(Trials, output).trials)
    with tempfile.TemporaryDirectory() as scratch:
        plain, copy = Path(scratch, "plain.onnx"), Path(scratch, "copy.onnx")
        for path in (plain, copy):
            path.write_bytes(graph)
        truth, slow = 1.0, copy
        if "slowed" in wanted:
            slow, took = calibrated(graph, plain, slowdown)
            truth = took.value
            print(f"the slowed file takes {took.value:.3f} ({took.low:.3f}..{took.high:.3f}) times as long", flush=True)
        for kind in in_turn(wanted):
            with beside_others() if kind == "busy" else contextlib.nullcontext():
                trial = run(kind, truth, plain, slow) if kind == "slowed" else run(kind, 1.0, plain, copy)
            record = replace(record, trials=[*record.trials, trial])
            files.write_text(output, documents.to_json(record) + "\n")
            print(said(trial), flush=True)
    for kind in wanted:
        print(kind, dict(Counter(trial.verdict for trial in record.trials if trial.kind == kind)))


def said(trial: Trial) -> str:
    """Return a trial as a line."""
    low, high = trial.ratio_ci95
    return (
        f"{trial.kind} {trial.ratio:.3f} ({low:.3f}..{high:.3f}) {trial.verdict}, {trial.launches} launches, "
        f"{trial.seconds:.1f} s, others {trial.others or 0:.0%}, load {trial.load_average or 0:.1f}, "
        f"{'quiet' if trial.called_quiet else 'not quiet'}"
    )


if __name__ == "__main__":
    sys.exit(main())
