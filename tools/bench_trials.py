#!/usr/bin/env python3
"""How often bench is right where the truth is known: tools/bench_trials.py [--same N] [--slowed N] [-o RECORD]

``same`` is a file against a copy of itself, ``slowed`` against one with extra work: the sine of so many numbers, added
to its logits times nothing that shows. How many numbers make a call longer by ``--slowdown`` percent is found here, and
measured by itself, in one process and without bench. Trials take turns. Each is one ``edgecnn bench`` with its
defaults, batch 1 and one thread. A record that is there is gone on with, so that a machine can be tried at several
hours.

docs/results/bench-trials.md is made from docs/records/bench-trials.json by ``tools/docs/bench_trials_page.py``.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
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
from edgecnn.machine.timing import timed_block
from edgecnn.runtime.classifier import load

RECORD = Path(__file__).resolve().parents[1] / "docs" / "records" / "bench-trials.json"
PROCESSES, BLOCKS, CALLS = 6, 60, 60  # of the calibration: sessions of each file, blocks each, calls a block
FIRST_NUMBERS = 4000
STEPS = 4
NO_SUMMAND = 1e-30
Kind = Literal["same", "slowed"]


@dataclass(frozen=True)
class Trial:
    """One benchmark: what it said, and what others took of the processors meanwhile (a share of 1).

    ``truth`` is how many times as long the file takes by the other measurement, 1 for a copy.
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
    )


def in_turn(same: int, slowed: int) -> Iterator[Kind]:
    """Yield what to try, the kinds mixed evenly.

    >>> list(in_turn(2, 2))
    ['same', 'slowed', 'same', 'slowed']
    """
    for number in range(max(same, slowed)):
        yield from ["same"] * (number < same)
        yield from ["slowed"] * (number < slowed)


def main() -> None:
    """Try, and write the record after every trial."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="mnist-c1")
    parser.add_argument("--same", type=int, default=60)
    parser.add_argument("--slowed", type=int, default=20)
    parser.add_argument("--slowdown", type=float, default=10.0, help="percent")
    parser.add_argument("-o", "--output", type=Path, default=RECORD)
    options = parser.parse_args()
    graph = zoo.find(options.model).read_bytes()
    record = Trials(options.model, environment(), [])
    if options.output.exists():
        record = replace(record, trials=documents.read(Trials, options.output).trials)
    with tempfile.TemporaryDirectory() as scratch:
        plain, copy = Path(scratch, "plain.onnx"), Path(scratch, "copy.onnx")
        for path in (plain, copy):
            path.write_bytes(graph)
        others = {"same": (1.0, copy)}
        if options.slowed:
            slow, took = calibrated(graph, plain, 1 + options.slowdown / 100)
            others["slowed"] = (took.value, slow)
            print(f"the slowed file takes {took.value:.3f} ({took.low:.3f}..{took.high:.3f}) times as long", flush=True)
        for kind in in_turn(options.same, options.slowed):
            truth, other = others[kind]
            trial = run(kind, truth, plain, other)
            record = replace(record, trials=[*record.trials, trial])
            files.write_text(options.output, documents.to_json(record) + "\n")
            low, high = trial.ratio_ci95
            print(
                f"{kind} {trial.ratio:.3f} ({low:.3f}..{high:.3f}) {trial.verdict}, {trial.launches} launches, "
                f"{trial.seconds:.1f} s, others {trial.others or 0:.0%}, load {trial.load_average or 0:.1f}",
                flush=True,
            )
    for name in ("same", "slowed"):
        print(name, dict(Counter(trial.verdict for trial in record.trials if trial.kind == name)))


if __name__ == "__main__":
    sys.exit(main())
