"""Contenders side by side over batch sizes and threads: percentiles, ratios with their intervals, a plain verdict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn.bench.cold import ColdStart, cold_start
from edgecnn.bench.environment import Environment, environment
from edgecnn.bench.timer import Call, Samples, interleaved
from edgecnn.contender import Contender, open_contender
from edgecnn.errors import EdgecnnError
from edgecnn.runtime import threads as machine_threads

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
    """Latency of ``model`` over that of ``against`` in one setting; below 1 is faster."""

    model: str
    against: str
    batch: int
    threads: int
    ratio: float
    ratio_ci95: tuple[float, float]
    verdict: str


@dataclass(frozen=True)
class Footprint:
    """What one contender costs before its first answer, in a process of its own."""

    model: str
    size_bytes: int
    cold_start: ColdStart


@dataclass(frozen=True)
class BenchReport:
    """All figures with what they were measured on."""

    contenders: list[Timing]
    comparisons: list[Ratio]
    footprints: list[Footprint]
    environment: Environment
    seconds: float


def bench(
    models: Sequence[Path],
    *,
    batches: Sequence[int] = (1, 8, 64),
    threads: Sequence[int] = (),
    provider: str = "cpu",
    seconds: float = 1.0,
    on_setting: Callable[[str], None] = lambda text: None,
) -> BenchReport:
    """Measure each model for ``seconds`` in each setting; the first is what the others are compared with.

    ``threads`` defaults to what affinity and quota allow. Raises what ``open_contender`` raises.
    """
    _check(batches, threads, seconds)
    on_setting("looking whether the machine is quiet")
    recorded = environment()
    timings: list[Timing] = []
    ratios: list[Ratio] = []
    thread_counts = tuple(threads) or (machine_threads.available(),)
    opened = {count: [open_contender(path, provider=provider, threads=count) for path in models] for count in thread_counts}
    for count, contenders in opened.items():
        for batch in batches:
            on_setting(f"batch {batch}, {count} threads")
            samples = interleaved([_call(contender, batch) for contender in contenders], seconds=seconds)
            timings += [_timing(c, batch, own) for c, own in zip(contenders, samples, strict=True)]
            ratios += [
                _compared(other, contenders[0], batch, own, samples[0])
                for other, own in zip(contenders[1:], samples[1:], strict=True)
            ]
    on_setting("cold start")
    footprints = [_footprint(contender, provider) for contender in opened[thread_counts[0]]]
    return BenchReport(timings, ratios, footprints, recorded, seconds)


def compare_latency(model: Contender, against: Contender, *, seconds: float = 1.0) -> Ratio:
    """Compare two contenders at batch 1, with the threads they were opened with."""
    own, other = interleaved([_call(model, 1), _call(against, 1)], seconds=seconds)
    return _compared(model, against, 1, own, other)


def ratio_of(own: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, tuple[float, float]]:
    """Return the median ratio of block medians paired by round, and its 95 % bootstrap interval over the rounds."""
    logs = np.log(own / other)
    resampled = np.random.default_rng(0).choice(logs, (RESAMPLES, len(logs)))
    low, high = np.exp(np.percentile(np.median(resampled, axis=1), [2.5, 97.5]))
    return float(np.exp(np.median(logs))), (float(low), float(high))


def verdict(low: float, high: float) -> str:
    """Say what an interval of latency ratios shows: faster, slower, same (within 3 %) or too noisy."""
    if 1 - SAME_WITHIN <= low and high <= 1 + SAME_WITHIN:
        return "same"
    if high < 1:
        return "faster"
    if low > 1:
        return "slower"
    return "too noisy"


def _check(batches: Sequence[int], threads: Sequence[int], seconds: float) -> None:
    if not batches or min((*batches, *threads)) < 1 or seconds <= 0:
        raise EdgecnnError(
            f"batch sizes {list(batches)}, threads {list(threads)}, {seconds:g} seconds: expected whole numbers from 1 "
            "and a positive time, such as --batch 1,8 --threads 1,2 --seconds 1."
        )


def _call(contender: Contender, batch: int) -> Call:
    golden = contender.golden_images_nhwc
    images = np.ascontiguousarray(np.resize(golden, (batch, *golden.shape[1:])))
    return lambda: contender.classify(images)


def _timing(contender: Contender, batch: int, samples: Samples) -> Timing:
    calls_ms = samples.calls_ns / 1e6
    p50, p90, p99 = np.percentile(calls_ms, [50, 90, 99])
    mean_ms = float(calls_ms.mean())
    return Timing(
        model=contender.name,
        form=contender.form,
        batch=batch,
        threads=contender.threads,
        provider=contender.provider,
        p50_ms=float(p50),
        p90_ms=float(p90),
        p99_ms=float(p99),
        mean_ms=mean_ms,
        images_per_second=batch / mean_ms * 1e3,
        calls=len(calls_ms),
    )


def _compared(model: Contender, against: Contender, batch: int, own: Samples, other: Samples) -> Ratio:
    ratio, interval = ratio_of(own.block_medians_ns, other.block_medians_ns)
    return Ratio(model.name, against.name, batch, model.threads, ratio, interval, verdict(*interval))


def _footprint(contender: Contender, provider: str) -> Footprint:
    cold = cold_start(contender.file, provider=provider, threads=contender.threads)
    return Footprint(contender.name, contender.file.stat().st_size, cold)
