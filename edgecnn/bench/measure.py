"""Contenders side by side over batch sizes and threads: percentiles, ratios with their intervals, a plain verdict."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from edgecnn.bench.stand import AnyWorker, stand_of
from edgecnn.bench.timer import Samples, interleaved
from edgecnn.bench.worker import ColdStart
from edgecnn.contender import Bare, Named, completed, is_checkpoint
from edgecnn.documents import later
from edgecnn.errors import EdgecnnError
from edgecnn.machine.environment import Environment

SAME_WITHIN = 0.03  # a difference in latency that nobody would change a model for
RESAMPLES = 4000


@dataclass(frozen=True)
class Timing:
    """One contender in one setting. ``images_per_second`` is batch / mean."""

    model: str
    form: str
    batch: int
    threads: int
    provider: str
    p50_ms: float
    p90_ms: float
    p99_ms: float
    mean_ms: float
    images_per_second: float
    calls: int


@dataclass(frozen=True)
class Ratio:
    """Latency of ``model`` over that of ``against`` in one setting, each on its provider; below 1 is faster."""

    model: str
    against: str
    batch: int
    threads: int
    ratio: float
    ratio_ci95: tuple[float, float]
    verdict: str
    provider: str = field(default="", metadata=later(lambda found: ""))  # 0.1.0 measured on one alone
    against_provider: str = field(default="", metadata=later(lambda found: ""))


@dataclass(frozen=True)
class Footprint:
    """What one contender costs before its first answer, in a process of its own; ``exact_int8`` as a Classifier's."""

    model: str
    threads: int
    size_bytes: int
    cold_start: ColdStart
    exact_int8: bool = field(metadata=later(lambda found: False))  # 0.1.0 knew no other way
    provider: str = field(default="", metadata=later(lambda found: ""))


@dataclass(frozen=True)
class BenchReport:
    """All figures with what they were measured on."""

    SCHEMA: ClassVar[int] = 1

    contenders: list[Timing]
    comparisons: list[Ratio]
    footprints: list[Footprint]
    environment: Environment
    seconds: float

    @property
    def warnings(self) -> list[str]:
        """Say what makes figures less than they seem: another program's work, or threads without a core."""
        available = self.environment.threads_available
        crowded = sorted({timing.threads for timing in self.contenders if timing.threads > available})
        found = [self.environment.warning] if self.environment.warning else []
        return found + [
            f"{count} threads on {available} that this process may use: they wait for one another, which is what these "
            "figures show, and the reason where one is too noisy"
            for count in crowded
        ]


def bench(
    models: Sequence[Named],
    *,
    weights: str | Path | None = None,
    input: tuple[int, int, int] | None = None,
    batches: Sequence[int] = (1, 8, 64),
    threads: Sequence[int] = (),
    provider: str | Sequence[str] = "cpu",
    seconds: float = 1.0,
    on: str | None = None,
    on_setting: Callable[[str], None] = lambda text: None,
    on_calls: Callable[[Timing, NDArray[np.int64]], None] = lambda timing, calls_ns: None,
) -> BenchReport:
    """Measure each model for ``seconds`` in each setting; the first is what the others are compared with.

    Example::

        import edgecnn

        report = edgecnn.bench(["digits.onnx", "digits-int8.onnx"], batches=[1], threads=[1], seconds=0.1)
        print([(timing.model, timing.p50_ms) for timing in report.contenders], report.comparisons[0].verdict)

    ``threads`` defaults to what each file's card says for this machine, or what affinity and quota allow; with several
    providers each model is measured on each, and compared with the first on the first. ``on_calls`` gets how long each
    call of a setting took.
    A module of PyTorch, FILE.py:NAME or LIBRARY:NAME, has ``weights``, and takes pictures as the first model file does,
    or of the ``input`` that is said.
    ``on`` is a device such as ``ssh://pi@raspberrypi``: there model files are measured, and the machine is the device.
    Raises what ``open_contender`` and, of a device, ``open_model_on`` raise.
    """
    providers = [provider] if isinstance(provider, str) else provider
    contenders = _contenders(completed(models, weights, input), providers)
    _check(batches, threads, seconds)
    on_setting("looking whether the machine is quiet")
    stand = stand_of(on)
    recorded = stand.environment()
    timings: list[Timing] = []
    ratios: list[Ratio] = []
    footprints: list[Footprint] = []
    for count in threads or (None,):
        on_setting(f"starting {len(contenders)} processes" + (f" with {count} threads" if count else ""))
        with ExitStack() as stack:
            workers = [stack.enter_context(stand.start(one, name, count)) for name, one in contenders]
            footprints += [_footprint(worker) for worker in workers]
            for batch in batches:
                on_setting(f"batch {batch}" + (f", {count} threads" if count else ""))
                samples = interleaved([worker.blocks(batch) for worker in workers], seconds=seconds)
                for worker, own in zip(workers, samples, strict=True):
                    timings.append(_timing(worker, batch, own))
                    on_calls(timings[-1], own.calls_ns)
                ratios += [
                    _compared(worker, workers[0], batch, own, samples[0])
                    for worker, own in zip(workers[1:], samples[1:], strict=True)
                ]
    return BenchReport(timings, ratios, footprints, recorded, seconds)


def compare_latency(
    model: str | Path, against: str | Path, *, seconds: float = 1.0, provider: str = "cpu", on: str | None = None
) -> Ratio:
    """Compare two model files on one provider at batch 1, with as many threads as affinity and quota allow, here or on
    a device."""
    stand = stand_of(on)
    count = stand.threads()
    with stand.start(model, provider, count) as own, stand.start(against, provider, count) as other:
        samples = interleaved([own.blocks(1), other.blocks(1)], seconds=seconds)
        return _compared(own, other, 1, *samples)


def ratio_of(own: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, tuple[float, float]]:
    """Return the median ratio of block medians paired by round, and its 95 % bootstrap interval over the rounds."""
    logs = np.log(own / other)
    resampled = np.random.default_rng(0).choice(logs, (RESAMPLES, len(logs)))
    low, high = np.exp(np.percentile(np.median(resampled, axis=1), [2.5, 97.5]))
    return float(np.exp(np.median(logs))), (float(low), float(high))


def verdict(low: float, high: float) -> str:
    """Say what an interval of latency ratios shows: faster, slower, same (within 3 %) or too noisy."""
    if low >= 1 - SAME_WITHIN and high <= 1 + SAME_WITHIN:
        return "same"
    if high < 1:
        return "faster"
    if low > 1:
        return "slower"
    return "too noisy"


def _contenders(models: Sequence[Named], providers: Sequence[str]) -> list[tuple[str, Named]]:
    """Return each model with each provider; what PyTorch runs knows none, and comes once."""
    first = providers[0]
    return [(name, model) for name in providers for model in models if name == first or not _is_of_pytorch(model)]


def _is_of_pytorch(model: Named) -> bool:
    return isinstance(model, Bare) or is_checkpoint(model)


def _check(batches: Sequence[int], threads: Sequence[int], seconds: float) -> None:
    if not batches or min((*batches, *threads)) < 1 or seconds <= 0:
        raise EdgecnnError(
            f"batch sizes {list(batches)}, threads {list(threads)}, {seconds:g} seconds: expected positive integers "
            "and a positive time, such as --batch 1,8 --threads 1,2 --seconds 1."
        )


def _timing(worker: AnyWorker, batch: int, samples: Samples) -> Timing:
    calls_ms = samples.calls_ns / 1e6
    p50, p90, p99 = np.percentile(calls_ms, [50, 90, 99])
    mean_ms = float(calls_ms.mean())
    return Timing(
        model=str(worker.model),
        form=worker.form,
        batch=batch,
        threads=worker.threads,
        provider=worker.provider,
        p50_ms=float(p50),
        p90_ms=float(p90),
        p99_ms=float(p99),
        mean_ms=mean_ms,
        images_per_second=batch / mean_ms * 1e3,
        calls=len(calls_ms),
    )


def _compared(model: AnyWorker, against: AnyWorker, batch: int, own: Samples, other: Samples) -> Ratio:
    ratio, interval = ratio_of(own.block_medians_ns, other.block_medians_ns)
    return Ratio(
        str(model.model),
        str(against.model),
        batch,
        model.threads,
        ratio,
        interval,
        verdict(*interval),
        model.provider,
        against.provider,
    )


def _footprint(worker: AnyWorker) -> Footprint:
    return Footprint(
        str(worker.model), worker.threads, worker.size_bytes, worker.cold_start, worker.exact_int8, worker.provider
    )
