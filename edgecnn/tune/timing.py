"""Variants, written as files that say how they are run, and timed side by side against the parent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgecnn import onnx_file
from edgecnn.bench import bench
from edgecnn.bench.asked import PRECISION_PERCENT
from edgecnn.bench.figures import BenchReport
from edgecnn.card import Tuning
from edgecnn.machine.environment import Environment
from edgecnn.runtime.settings import Settings
from edgecnn.tune.figures import Screened, Variant
from edgecnn.tune.graphs import Graph

SCREEN_SECONDS, SCREEN_PERCENT = 0.5, 20.0
MOST_AT_ONCE = 8  # processes, each with a model
KEPT = 3  # of all variants, by latency, beside the best of each form


@dataclass(frozen=True)
class Place:
    """Where is timed: on a provider of this machine, or of a device, which ``environment`` is."""

    provider: str
    on: str | None
    environment: Environment


@dataclass(frozen=True)
class Written:
    """A variant as a file; without ``settings`` it is run with the default ones."""

    graph: Graph
    settings: Settings
    path: Path
    default: bool


def settings_to_try(available: int) -> list[Settings]:
    """Return the settings worth a try: powers of two of threads and all there are, which spin or sleep.

    >>> [(one.threads, one.spinning) for one in settings_to_try(3)]
    [(3, True), (3, False), (2, True), (2, False), (1, True)]
    """
    counts = sorted({available, *(2**power for power in range(available.bit_length()))}, reverse=True)
    return [Settings(count, spins) for count in counts for spins in ((True, False) if count > 1 else (True,))]


def written(graphs: Sequence[Graph], place: Place, folder: Path) -> list[Written]:
    """Write every form with every setting; the first is the first graph with the default ones."""
    default, *others = settings_to_try(place.environment.threads_available)
    found = []
    for graph in graphs:
        for settings in (default, *others):
            path = folder / f"{graph.form}-{settings.threads}{'' if settings.spinning else '-sleeping'}.onnx"
            tuned = None if settings is default else [tuning(settings, place, 1.0, (1.0, 1.0))]
            onnx_file.write_with_card(graph.path.read_bytes(), replace(graph.card, tuned=tuned), path)
            found.append(Written(graph, settings, path, settings is default))
    return found


def tuning(settings: Settings, place: Place, ratio: float, interval: tuple[float, float]) -> Tuning:
    """Return what a card says of settings, for the processors of that machine's family."""
    there = place.environment
    return Tuning(
        there.family, there.processor, place.provider, settings.threads, settings.spinning, ratio, list(interval)
    )


def screened(
    variants: Sequence[Written], place: Place, on_stage: Callable[[str], None]
) -> tuple[list[Written], list[Screened]]:
    """Time all variants briefly. Returns those to measure, the first one first, and the others."""
    first, *others = variants
    ratios = {first.path: 1.0}
    for start in range(0, len(others), MOST_AT_ONCE):
        on_stage(f"screening {len(others)} variants, from the {start + 1}th")
        some = others[start : start + MOST_AT_ONCE]
        report = _timed([first, *some], place, SCREEN_SECONDS, SCREEN_PERCENT, lambda text: None)
        ratios |= {Path(found.model): found.ratio for found in report.comparisons}
    by_latency = sorted(others, key=lambda one: ratios[one.path])
    best_of_forms = {one.graph.form: one for one in reversed(by_latency)}
    kept = {first.path, *(one.path for one in by_latency[:KEPT]), *(one.path for one in best_of_forms.values())}
    kept |= {one.path for one in others if one.default}  # what the form alone is worth, without its settings
    left_out = [
        Screened(one.graph.form, one.settings.threads, one.settings.spinning, ratios[one.path])
        for one in by_latency
        if one.path not in kept
    ]
    return [one for one in variants if one.path in kept], left_out


def measured(
    variants: Sequence[Written], place: Place, seconds: float, on_stage: Callable[[str], None]
) -> list[Variant]:
    """Time variants against the first of them, interleaved."""
    report = _timed(variants, place, seconds, PRECISION_PERCENT, on_stage)
    p50_ms = {Path(timing.model): timing.p50_ms for timing in report.contenders}
    costs = {Path(cost.model): cost for cost in report.footprints}
    ratios = {Path(found.model): (found.ratio, found.ratio_ci95, found.verdict) for found in report.comparisons}
    return [
        _variant(one, p50_ms[one.path], costs[one.path].cold_start.peak_bytes, *ratios.get(one.path, PARENTS))
        for one in variants
    ]


PARENTS = (1.0, (1.0, 1.0), "parent")


def _variant(
    one: Written, p50_ms: float, peak_bytes: int, ratio: float, interval: tuple[float, float], verdict: str
) -> Variant:
    scored = one.graph.scored
    return Variant(
        form=one.graph.form,
        threads=one.settings.threads,
        spinning=one.settings.spinning,
        size_bytes=one.path.stat().st_size,
        peak_bytes=peak_bytes,
        p50_ms=p50_ms,
        latency_ratio=ratio,
        latency_ratio_ci95=interval,
        verdict=verdict,
        validation_score=scored.score,
        drop_pp=scored.drop_pp,
        drop_pp_ci95=scored.drop_pp_ci95,
    )


def _timed(
    variants: Sequence[Written], place: Place, seconds: float, precision_percent: float, on_stage: Callable[[str], None]
) -> BenchReport:
    return bench(
        [one.path for one in variants],
        batches=(1,),
        provider=place.provider,
        precision_percent=precision_percent,
        seconds=seconds,
        on=place.on,
        on_setting=on_stage,
    )
