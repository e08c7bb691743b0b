"""What a report is about: a model file, what it is held to, and what was measured of both, each once and when asked."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from edgecnn import zoo
from edgecnn.bench import BenchReport, bench
from edgecnn.bench.figures import Timing
from edgecnn.card import ModelCard
from edgecnn.contender import open_contender
from edgecnn.errors import EdgecnnError
from edgecnn.insight import graph
from edgecnn.insight.graph import Network
from edgecnn.inspection import Inspection, inspect
from edgecnn.machine import threads as machine_threads
from edgecnn.machine.environment import Environment, environment
from edgecnn.metadata import read_card
from edgecnn.runtime.load import load_model, task_of
from edgecnn.runtime.selftest import SelfTest, selftest
from edgecnn.verify.compare import SplitName
from edgecnn.verify.compared import Compared

BATCHES, CALLS, LONGEST_S = (1, 8, 64), 50, 2.5  # a batch is left out whose calls would take longer


@dataclass(frozen=True)
class Source:
    """What was asked for. ``model`` and ``reference`` are as the user names them, ``file`` is the model file.
    ``asked`` says whether the user named a reference; one that was not named may be compared on fewer images.

    ``command`` makes the report again, ``say`` is told what is going on. Without ``seconds`` nothing is timed.
    """

    model: str
    file: Path
    reference: str | None = None
    asked: bool = False
    run: Path | None = None
    dataset: str | None = None
    root: Path | None = None
    split: SplitName = "test"
    max_drop_pp: float = 0.5
    seconds: float = 0.0
    command: str = ""
    say: Callable[[str], None] = lambda step: None


@dataclass(frozen=True)
class Quality:
    """The figure that counts, with its 95 % interval where one is known.

    ``guessed`` is what a model reaches that gives the same answer to every image, where that can be said.
    """

    metric: str
    value: float
    interval: tuple[float, float] | None
    images: int
    split: str
    dataset: str
    guessed: float | None = None


class Subject(ABC):
    """What figures are drawn from. Each property is computed when it is first asked for."""

    def __init__(self, source: Source) -> None:
        self.source = source

    @cached_property
    def card(self) -> ModelCard:
        """What the file says of itself."""
        return read_card(self.source.file)

    @property
    def _named(self) -> Path:
        """The model as the user names it, where that is a file that a process of its own can open."""
        return self.source.file if _is_run(self.source.model) else Path(self.source.model)

    @property
    def name(self) -> str:
        """What the model is called."""
        return self.card.name

    @property
    def reference_file(self) -> Path | None:
        """The model file that the reference is; None without one, or where that is a run."""
        found = self.source.reference
        return None if found is None or _is_run(found) else zoo.find(found)

    @cached_property
    def reference_card(self) -> ModelCard | None:
        """What the reference says of itself, where it is a model file."""
        return None if self.reference_file is None else read_card(self.reference_file)

    @cached_property
    def inspection(self) -> Inspection:
        """The file's layers and bytes."""
        return inspect(self.source.file)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image, as far as they are known."""
        return sum(layer.macs or 0 for layer in self.inspection.layers)

    @cached_property
    def network(self) -> Network:
        """The file's layers."""
        return replace(graph.read(self.source.file), name=self.source.model)

    @cached_property
    def reference_network(self) -> Network | None:
        """The reference's layers, where it is a model file."""
        file = self.reference_file
        return None if file is None else replace(graph.read(file), name=str(self.source.reference))

    @cached_property
    def selftest(self) -> SelfTest:
        """The golden images again, on this machine."""
        return selftest(load_model(self.source.file))

    @property
    def models(self) -> list[Path]:
        """What is timed: the reference first, where there is one."""
        reference = [Path(self.source.reference)] if self.source.reference else []
        return [*reference, self._named]

    @property
    def timings(self) -> BenchReport:
        """Latency and throughput of the model and its reference, with one thread and with all there are."""
        return self._timed[0]

    @property
    def calls_ms(self) -> list[NDArray[np.float64]]:
        """How long every call with one image took, of each of ``models``, with all threads there are."""
        report, calls = self._timed
        threads = max(timing.threads for timing in report.contenders)
        return [calls[str(model), 1, threads] for model in self.models]

    @cached_property
    def _timed(self) -> tuple[BenchReport, dict[tuple[str, int, int], NDArray[np.float64]]]:
        if not self.source.seconds:
            raise EdgecnnError("Latency was not measured, as --seconds 0 asks; --seconds 0.3 measures it.")
        calls: dict[tuple[str, int, int], NDArray[np.float64]] = {}

        def keep(timing: Timing, calls_ns: NDArray[np.int64]) -> None:
            calls[timing.model, timing.batch, timing.threads] = calls_ns / 1e6

        report = bench(
            self.models,
            batches=_batches(self.models),
            threads=sorted({1, machine_threads.available()}),
            seconds=self.source.seconds,
            on_setting=lambda setting: self.source.say(f"latency: {setting}"),
            on_calls=keep,
        )
        return report, calls

    @cached_property
    def machine(self) -> Environment:
        """What the report was made on."""
        return self.timings.environment if self.source.seconds else environment()

    @cached_property
    @abstractmethod
    def quality(self) -> Quality:
        """How good the model is on the images of the split."""

    @cached_property
    @abstractmethod
    def comparison(self) -> Compared | None:
        """The model against its reference on the same images; None without a reference."""


def _batches(models: list[Path]) -> list[int]:
    """Return the batch sizes that are timed in seconds, by how long the slower model takes for one image."""
    longest = 0.0
    for model in models:
        contender = open_contender(model)
        image_nhwc = contender.golden_images_nhwc[:1]
        contender.answer(image_nhwc)
        started = time.perf_counter()
        contender.answer(image_nhwc)
        longest = max(longest, time.perf_counter() - started)
    return [batch for batch in BATCHES if batch == 1 or batch * longest * CALLS < LONGEST_S]


class ReportedTask(Protocol):
    """What is asked of a task here."""

    def subject(self, source: Source) -> Subject:
        """Return what the report of a model of this task is drawn from."""


def subject_of(source: Source) -> Subject:
    """Return what is drawn and measured of a model, as its task has it."""
    return cast(ReportedTask, task_of(read_card(source.file), source.model)).subject(source)


def _is_run(found: str) -> bool:
    path = Path(found)
    return path.suffix == zoo.CHECKPOINT or (path.is_dir() and zoo.is_run(path))


def parent_of(model: str) -> str | None:
    """Return the name of the float32 file that a quantized model of the zoo has, the reference where none is given."""
    names = zoo.names()
    parent = f"{model.partition('/')[0]}/fp32"
    is_other = model in names and parent in names and names[model] != names[parent]
    return parent if is_other else None
