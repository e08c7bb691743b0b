"""Contenders side by side over batch sizes and threads: percentiles, ratios with their intervals, a plain verdict."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn.bench import asked
from edgecnn.bench import baseline as baselines
from edgecnn.bench.asked import MAX_SLOWDOWN_PERCENT, PRECISION_PERCENT, SECONDS
from edgecnn.bench.everywhere import survey
from edgecnn.bench.figures import BenchReport, Footprint, Ratio, Timing, read_report
from edgecnn.bench.interval import verdict
from edgecnn.bench.launches import Series, launched
from edgecnn.bench.load import PLAIN, Load
from edgecnn.bench.loadgen import MODULE, Stream
from edgecnn.bench.stand import AnyWorker, Stand, stand_of
from edgecnn.bench.worker import ColdStart, Worker
from edgecnn.contender import Named, completed
from edgecnn.errors import check_installed
from edgecnn.machine.conditions import Watch
from edgecnn.machine.environment import Environment


def bench(
    models: Sequence[Named],
    *,
    weights: str | Path | None = None,
    input: tuple[int, int, int] | None = None,
    batches: Sequence[int] = (),
    threads: Sequence[int] = (),
    provider: str | Sequence[str] = "cpu",
    precision_percent: float = PRECISION_PERCENT,
    seconds: float = SECONDS,
    load: Load = PLAIN,
    baseline: str | Path | None = None,
    max_slowdown_percent: float = MAX_SLOWDOWN_PERCENT,
    on: str | None = None,
    everywhere: bool = False,
    dataset: str | None = None,
    root: str | Path | None = None,
    loadgen: bool = False,
    on_setting: Callable[[str], None] = lambda text: None,
    on_calls: Callable[[Timing, NDArray[np.int64]], None] = lambda timing, calls_ns: None,
) -> BenchReport:
    """Measure models in each setting; the first is what the others are compared with.

    Example::

        import edgecnn

        report = edgecnn.bench(["digits.onnx", "digits-int8.onnx"], batches=[1], threads=[1], seconds=0.1)
        print([(timing.model, timing.p50_ms) for timing in report.contenders], report.comparisons[0].verdict)

    All are launched again and again, at least four times, until every 95 % interval of a ratio is no wider than
    ``precision_percent``, or each has been measured for ``seconds`` in each setting, launches included.
    ``batches`` defaults to 1, 8 and 64, and to 1 where the ``load`` says how calls are made (``edgecnn.bench.Load``).
    ``baseline`` is the JSON of a report that was saved: ``gate`` says whether a model became slower than that by more
    than ``max_slowdown_percent``.
    ``threads`` defaults to what each file's card says for this machine, or what affinity and quota allow; with several
    providers each model is measured on each, and compared with the first on the first. ``on_calls`` gets how long each
    call of a setting took.
    A module of PyTorch, FILE.py:NAME or LIBRARY:NAME, has ``weights``, and takes pictures as the first model file does,
    or of the ``input`` that is said.
    ``on`` is a device such as ``ssh://pi@raspberrypi``: there model files are measured, and the machine is the device.
    ``everywhere`` measures model files in the other runtimes that are installed too (``edgecnn.bench.runtimes``), holds
    each to the golden images and, with ``dataset``, to its test images, and recommends one.
    ``loadgen`` has MLCommons' LoadGen ask for single images by MLPerf's rules for single streams, ``seconds`` of each
    model at least, one model after the other, with no comparison (``edgecnn.bench.loadgen``).
    Raises EdgecnnError for settings that measure nothing, what ``open_contender`` and, of a device, ``open_model_on``
    raise.
    """
    providers = [provider] if isinstance(provider, str) else provider
    contenders = _contenders(completed(models, weights, input), providers)
    batches = batches or ((1, 8, 64) if load.is_plain and not everywhere and not loadgen else (1,))
    asked.check_figures(batches, threads, seconds, precision_percent)
    asked.check_load(load, batches, on)
    asked.check_everywhere(everywhere, dataset, load, on, contenders)
    if loadgen:
        asked.check_loadgen(batches, precision_percent, load, baseline, everywhere=everywhere, on=on)
        return _by_loadgen(contenders, threads, seconds, on_setting)
    before = None if baseline is None else read_report(baseline)
    stand = stand_of(on)
    recorded = _looked_at(stand, threads, on_setting)
    surveyed = None
    if everywhere:
        surveyed = survey(contenders, next(iter(threads), None), dataset=dataset, root=root, say=on_setting)
        contenders = list(surveyed.contenders)
    watch = Watch()
    settings = [
        _measured(contenders, stand, batches, load, count, precision_percent, seconds, on_setting)
        for count in threads or (None,)
    ]
    conditions = watch.conditions() if on is None else None
    for one in settings:
        for timing, calls_ns in zip(one.timings(), one.calls_ns(), strict=True):
            on_calls(timing, calls_ns)
    comparisons = [ratio for one in settings for ratio in one.ratios(precision_percent)]
    report = BenchReport(
        contenders=[timing for one in settings for timing in one.timings()],
        comparisons=comparisons,
        footprints=[footprint for one in settings for footprint in one.footprints()],
        environment=recorded,
        seconds=seconds,
        precision_percent=precision_percent,
        load=load,
        conditions=conditions,
        uncounted=settings[0].workers[0].uncounted,
        everywhere=None if surveyed is None else surveyed.judged(comparisons),
    )
    if baseline is None or before is None:
        return report
    return replace(report, gate=baselines.check(report, before, baseline, max_slowdown_percent))


def compare_latency(
    model: str | Path,
    against: str | Path,
    *,
    seconds: float = SECONDS,
    precision_percent: float = PRECISION_PERCENT,
    provider: str = "cpu",
    on: str | None = None,
) -> Ratio:
    """Compare two model files on one provider at batch 1, with as many threads as affinity and quota allow, here or on
    a device."""
    stand = stand_of(on)
    contenders = [(provider, against), (provider, model)]
    found = _measured(contenders, stand, (1,), PLAIN, stand.threads(), precision_percent, seconds, lambda text: None)
    (ratio,) = found.ratios(precision_percent)
    return ratio


def _looked_at(stand: Stand, threads: Sequence[int], say: Callable[[str], None]) -> Environment:
    """Return what the machine is and whether it is quiet. Raises EdgecnnError where it runs far fewer threads."""
    say("looking whether the machine is quiet")
    found = stand.environment()
    asked.check_threads(threads, found.threads_available)
    return found


def _by_loadgen(
    contenders: Sequence[tuple[str, Named]],
    threads: Sequence[int],
    seconds: float,
    say: Callable[[str], None],
) -> BenchReport:
    """Let LoadGen ask one contender after the other, each in a process of its own. Raises MissingPackageError."""
    check_installed(MODULE)
    recorded, watch = _looked_at(stand_of(None), threads, say), Watch()
    found = []
    for count in threads or (None,):
        for provider, model in contenders:
            say(f"{model}: LoadGen asks for {seconds:g} s at least")
            found.append(_streamed(model, provider, count, seconds))
    return BenchReport(
        contenders=[timing for timing, _, _ in found],
        comparisons=[],
        footprints=[footprint for _, footprint, _ in found],
        environment=recorded,
        seconds=seconds,
        conditions=watch.conditions(),
        uncounted="LoadGen times answers alone",
        loadgen=[stream for _, _, stream in found],
    )


def _streamed(model: Named, provider: str, threads: int | None, seconds: float) -> tuple[Timing, Footprint, Stream]:
    with tempfile.TemporaryDirectory() as folder, Worker(model, provider=provider, threads=threads) as worker:
        said = worker.stream(seconds, Path(folder))
        found = Stream(model=str(model), provider=worker.provider, threads=worker.threads, **said)
        timing = Timing(
            model=found.model,
            form=worker.form,
            batch=1,
            threads=found.threads,
            provider=found.provider,
            p50_ms=found.p50_ms,
            p90_ms=found.p90_ms,
            p99_ms=found.p99_ms,
            mean_ms=found.mean_ms,
            images_per_second=1e3 / found.mean_ms,
            calls=found.queries,
        )
        return timing, _footprint(worker, [worker.cold_start]), found


@dataclass(frozen=True)
class _Measured:
    """All launches with one number of threads: the contenders as they were opened, and what came of each batch size."""

    workers: list[AnyWorker]
    cold_starts: list[list[ColdStart]]
    instructions: dict[int, list[float | None]]
    series: dict[int, Series]

    def timings(self) -> list[Timing]:
        return [
            _timing(worker, batch, index, self.series[batch], self.instructions[batch][index])
            for batch in self.series
            for index, worker in enumerate(self.workers)
        ]

    def calls_ns(self) -> list[NDArray[np.int64]]:
        """Return how long each call took, in the order of ``timings``."""
        return [
            np.concatenate([block.calls_ns for block in series.blocks(index)])
            for series in self.series.values()
            for index in range(len(self.workers))
        ]

    def ratios(self, precision_percent: float) -> list[Ratio]:
        return [
            self._ratio(batch, index, precision_percent)
            for batch in self.series
            for index in range(1, len(self.workers))
        ]

    def footprints(self) -> list[Footprint]:
        return [_footprint(worker, starts) for worker, *starts in zip(self.workers, *self.cold_starts, strict=True)]

    def _ratio(self, batch: int, index: int, precision_percent: float) -> Ratio:
        own, first = self.workers[index], self.workers[0]
        found, precision = self.series[batch].ratio(index), precision_percent / 100
        counts = self.instructions[batch]
        return Ratio(
            model=str(own.model),
            against=str(first.model),
            batch=batch,
            threads=own.threads,
            ratio=found.value,
            ratio_ci95=(found.low, found.high),
            verdict=verdict(found.low, found.high, precision),
            provider=own.provider,
            against_provider=first.provider,
            launches=found.launches,
            precise=found.is_within(precision),
            instructions_ratio=_over(counts[index], counts[0]),
        )


def _measured(
    contenders: Sequence[tuple[str, Named]],
    stand: Stand,
    batches: Sequence[int],
    load: Load,
    threads: int | None,
    precision_percent: float,
    seconds: float,
    say: Callable[[str], None],
) -> _Measured:
    """Launch all contenders, with so many threads or as their cards say, until it is known or the time is up."""
    opened: list[list[AnyWorker]] = []
    instructions: dict[int, list[float | None]] = {}

    @contextmanager
    def start() -> Iterator[list[AnyWorker]]:
        with ExitStack() as stack:
            workers = [stack.enter_context(stand.start(one, name, threads)) for name, one in contenders]
            opened.append(workers)
            yield workers
            if not instructions:
                instructions.update({batch: [_count(worker, batch, load) for worker in workers] for batch in batches})

    series = launched(
        start,
        batches,
        load,
        precision=precision_percent / 100,
        limit_s=seconds * len(contenders) * len(batches),
        say=lambda text: say(text if threads is None else f"{text}, {threads} threads"),
    )
    return _Measured(opened[0], [[one.cold_start for one in workers] for workers in opened], instructions, series)


def _count(worker: AnyWorker, batch: int, load: Load) -> float | None:
    if worker.uncounted is not None:
        return None
    worker.blocks(batch, load)
    return worker.instructions()


def _over(own: float | None, other: float | None) -> float | None:
    return None if own is None or not other else own / other


def _footprint(worker: AnyWorker, starts: Sequence[ColdStart]) -> Footprint:
    size, start = worker.size_bytes, _median(starts)
    return Footprint(str(worker.model), worker.threads, size, start, worker.exact_int8, worker.provider)


def _median(starts: Sequence[ColdStart]) -> ColdStart:
    found = {one.name: float(np.median([getattr(start, one.name) for start in starts])) for one in fields(ColdStart)}
    return replace(ColdStart(**found), peak_bytes=round(found["peak_bytes"]))  # type: ignore[arg-type]


def _contenders(models: Sequence[Named], providers: Sequence[str]) -> list[tuple[str, Named]]:
    """Return each model with each provider; what PyTorch runs knows none, and comes once."""
    first = providers[0]
    return [(name, model) for name in providers for model in models if name == first or not asked.is_of_pytorch(model)]


def _timing(worker: AnyWorker, batch: int, index: int, series: Series, instructions: float | None) -> Timing:
    blocks, found = series.blocks(index), series.cost_ms(index)
    calls_ms = np.concatenate([block.calls_ns for block in blocks]) / 1e6
    p50, p90, p99 = (float(value) for value in np.percentile(calls_ms, [50, 90, 99]))
    mean_ms = float(calls_ms.mean())
    walls_ms = [block.wall_ns / 1e6 for block in blocks if block.wall_ns is not None]
    return Timing(
        model=str(worker.model),
        form=worker.form,
        batch=batch,
        threads=worker.threads,
        provider=worker.provider,
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        mean_ms=mean_ms,
        images_per_second=batch * 1e3 * (len(calls_ms) / sum(walls_ms) if walls_ms else 1 / mean_ms),
        calls=len(calls_ms),
        launches=found.launches,
        p50_ms_ci95=None if walls_ms else (min(found.low, p50), max(found.high, p50)),
        instructions=instructions,
    )
