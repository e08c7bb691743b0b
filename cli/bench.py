"""edgecnn bench"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import console, said
from .options import AsJson, Contenders, DataRoot, Dataset, InputShape, On, Providers, Seconds, Weights, integers

if TYPE_CHECKING:
    from edgecnn.bench import BenchReport
    from edgecnn.bench.loadgen import Stream
    from edgecnn.machine.environment import Environment

STABLE = 8  # times as long
EXIT_CODES = {"within": 0, "beyond": 1, "undecided": 3}
PASSED = {"within": True, "beyond": False, "undecided": None}
ORT_SUFFIX = "ExecutionProvider"


def _percent(value: float) -> float:
    if not 0 < value <= 1000:
        raise typer.BadParameter(f"{value:g} is no percentage to compare with, such as 5.")
    return value


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(bench)


def bench(
    models: Contenders,
    batch: Annotated[
        str, typer.Option("--batch", help="Batch sizes. Default: 1,8,64; 1 with --fps, --callers and --end-to-end.")
    ] = "",
    threads: Annotated[
        str, typer.Option("--threads", help="Thread counts. Default: what affinity and quota allow.")
    ] = "",
    provider: Providers = "cpu",
    precision: Annotated[
        float,
        typer.Option(
            "--precision",
            metavar="PERCENT",
            callback=_percent,
            help="Launch until each 95 % interval is no wider. What is the same within it is called that.",
        ),
    ] = 5.0,
    seconds: Seconds = 8.0,
    stable: Annotated[
        bool,
        typer.Option("--stable", help=f"Take up to {STABLE} times as long; exit code 1 where that is not enough."),
    ] = False,
    fps: Annotated[
        float | None,
        typer.Option("--fps", metavar="N", help="One call every 1/N s, idle in between.", show_default=False),
    ] = None,
    callers: Annotated[
        int, typer.Option("--callers", metavar="K", min=1, help="So many calls at the same time, in one process.")
    ] = 1,
    end_to_end: Annotated[
        Path | None,
        typer.Option(
            "--end-to-end",
            metavar="PICTURES",
            help="A picture file or a folder: read, decode and resize them in each call.",
            show_default=False,
        ),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            "--baseline",
            metavar="FILE",
            help="What --json printed before: exit code 1 where a model became slower.",
            show_default=False,
        ),
    ] = None,
    max_slowdown: Annotated[
        float,
        typer.Option("--max-slowdown", metavar="PERCENT", callback=_percent, help="What --baseline allows."),
    ] = 10.0,
    everywhere: Annotated[
        bool,
        typer.Option("--everywhere", help="Also in OpenVINO, OpenCV, tract, Node.js, …: those that are installed."),
    ] = False,
    loadgen: Annotated[
        bool,
        typer.Option("--loadgen", help="Single images by MLPerf's rules, from MLCommons' LoadGen."),
    ] = False,
    dataset: Dataset = None,
    root: DataRoot = None,
    weights: Weights = None,
    shape: InputShape = None,
    on: On = None,
    as_json: AsJson = False,
) -> None:
    """Measure latency, throughput, cold start and memory; several models take turns, so that they can be compared.

    Each is launched several times, until the intervals are as narrow as --precision says or the time is up. A verdict
    holds at 95 %: faster, slower, same (within the precision), or too noisy to tell.

    With --baseline, exit code 0 where no model became slower than allowed, 1 where one did, 3 where it cannot be told.
    With two models or more it is their latency over that of the first which is compared: name one first that stays.

    With several providers each model is measured on each, and compared with the first model on the first provider.

    With --on, model files are measured on a device that ssh reaches, without the way there: the calls are timed there.

    With --everywhere, each file is run in every other runtime that is installed too, and held to its golden images;
    with --data its accuracy on test images stands beside. What answers otherwise is never recommended.

    With --loadgen, LoadGen asks one model after the other for --seconds at least (the rules: 600), the next image when
    the last was answered; nothing is compared, and exit code 1 where it says that a run is invalid.

    Example: edgecnn bench runs/mnist-c1 mnist-c1.onnx mnist-c1-preferred.onnx --batch 1,8 --threads 1,2
    """
    batches, thread_counts = integers(batch), integers(threads)
    if loadgen and stable:
        raise typer.BadParameter("--loadgen launches each model once. Leave out --stable.")
    from edgecnn import bench as measure
    from edgecnn.bench.load import Load

    load = Load(fps=fps, callers=callers, pictures=() if end_to_end is None else _pictures(end_to_end))
    with console.stages(quiet=as_json) as say:
        report = measure(
            models,
            weights=weights,
            input=None if shape is None else said.shape(shape),
            batches=batches,
            threads=thread_counts,
            provider=provider.split(","),
            precision_percent=precision,
            seconds=seconds * STABLE if stable else seconds,
            load=load,
            baseline=baseline,
            max_slowdown_percent=max_slowdown,
            on=on,
            everywhere=everywhere,
            loadgen=loadgen,
            dataset=dataset,
            root=root,
            on_setting=say,
        )
    for warning in report.warnings:
        console.warn(warning)
    for model in dict.fromkeys(found.model for found in report.footprints if found.exact_int8):
        console.warn(
            f"{model}: its int8 weights may saturate on this processor, so it is computed in another way, exactly and "
            "slower; quantize its float32 parent again for a form that is safe everywhere."
        )
    if as_json:
        console.show_json(report)
    else:
        show(report)
    raise typer.Exit(_exit_code(report, stable=stable))


def _exit_code(report: "BenchReport", *, stable: bool) -> int:
    gate = 0 if report.gate is None else EXIT_CODES[report.gate.verdict]
    if not all(stream.valid for stream in report.loadgen or ()):
        return 1
    return gate or int(stable and bool(report.imprecise))


def _pictures(path: Path) -> tuple[str, ...]:
    """Return the pictures of a folder, or the one that is named."""
    from edgecnn.errors import DataError
    from edgecnn.runtime.pictures import pictures_in

    found = pictures_in(path) if path.is_dir() else [path]
    if not found or not found[0].is_file():
        raise DataError(f"{path}: no picture there. Name a picture file, or a folder with some.")
    return tuple(map(str, found))


def show(report: "BenchReport") -> None:
    """Print all figures, then what they were measured on."""
    named = _names(report)
    _show_models(report)
    if report.loadgen is None:
        _show_latencies(report, named)
    else:
        _show_loadgen(report.loadgen, named)
    _show_everywhere(report)
    _show_trust(report)
    _show_gate(report)
    show_environment(report.environment)


def _show_latencies(report: "BenchReport", named: Callable[[str, str], str]) -> None:
    """Print how long calls took, and how models compare."""
    console.show_table(
        f"latency in ms{_how(report)}",
        ("model", "batch", "threads", "p50", "p90", "p99", "mean", "images/s"),
        [
            (
                named(t.model, t.provider),
                str(t.batch),
                str(t.threads),
                f"{t.p50_ms:.3f}",
                f"{t.p90_ms:.3f}",
                f"{t.p99_ms:.3f}",
                f"{t.mean_ms:.3f}",
                f"{t.images_per_second:,.0f}",
            )
            for t in report.contenders
        ],
    )
    if report.comparisons:
        counted = () if report.comparisons[0].instructions_ratio is None else ("instructions",)
        console.show_table(
            f"latency over that of {named(report.comparisons[0].against, report.comparisons[0].against_provider)}",
            ("model", "batch", "threads", "ratio", "95 %", "launches", *counted, "verdict"),
            [
                (
                    named(r.model, r.provider),
                    str(r.batch),
                    str(r.threads),
                    f"{r.ratio:.3f}",
                    f"{r.ratio_ci95[0]:.3f}..{r.ratio_ci95[1]:.3f}",
                    str(r.launches),
                    *([] if r.instructions_ratio is None else [f"{r.instructions_ratio:.3f}"]),
                    r.verdict,
                )
                for r in report.comparisons
            ],
        )
        console.say(f"same: within {report.precision_percent:g} %, each verdict at 95 %")


def _show_loadgen(streams: "list[Stream]", named: Callable[[str, str], str]) -> None:
    """Print what LoadGen says, and what it asked by."""
    first = streams[0]
    console.show_table(
        f"latency in ms, as LoadGen {first.version} says: single stream",
        ("model", "threads", "p50", "p90", "p99", "p90 by early stopping", "queries", "queries/s", "run"),
        [
            (
                named(one.model, one.provider),
                str(one.threads),
                f"{one.p50_ms:.3f}",
                f"{one.p90_ms:.3f}",
                f"{one.p99_ms:.3f}",
                "-" if one.p90_early_stopping_ms is None else f"{one.p90_early_stopping_ms:.3f}",
                f"{one.queries:,}",
                f"{one.queries_per_second:,.0f}",
                "valid" if one.valid else "invalid",
            )
            for one in streams
        ],
    )
    for one in streams:
        for reason in one.reasons:
            console.say(f"{one.model}: invalid: {reason}")
    if not all(one.rules_minimum for one in streams):
        console.say("shorter than MLPerf's rules ask for: --seconds 600, and 64 queries")
    if len(streams) > 1:
        console.say("one after the other, as the rules ask for an undisturbed stream: this compares nothing")
    console.say(
        f"seeds: qsl {first.qsl_rng_seed}, sample_index {first.sample_index_rng_seed}, schedule "
        f"{first.schedule_rng_seed}"
    )


def _how(report: "BenchReport") -> str:
    """Say how calls were made, where not back to back."""
    load = report.load
    if load.fps is not None:
        return f", a call every {1000 / load.fps:.3g} ms and idle in between"
    if load.callers > 1:
        return f" of one call, {load.callers} callers at the same time"
    return f", {len(load.pictures)} pictures read, decoded and resized" if load.pictures else ""


def _show_trust(report: "BenchReport") -> None:
    """Say what the figures can be trusted for: how narrow they are, what is not counted, how the machine was."""
    if report.imprecise:
        console.say(
            f"wider than {report.precision_percent:g} %: {'; '.join(report.imprecise)}. More --seconds, --stable or a "
            "quieter machine narrows it."
        )
    if report.uncounted is not None:
        console.say(f"instructions: {report.uncounted}")
    if report.conditions is not None:
        console.say(f"while it was measured the machine was {report.conditions.sentence}")
        if report.conditions.troubles and report.loadgen is None:
            console.say("verdicts are of turns that shared this; milliseconds are those of a busy machine")


def _show_gate(report: "BenchReport") -> None:
    if report.gate is not None:
        for found in report.gate.slowdowns:
            console.verdict(PASSED[found.verdict], found.sentence())


def _show_everywhere(report: "BenchReport") -> None:
    """Print what each answers, what was not measured, and what to take."""
    found = report.everywhere
    if found is None:
        return
    scored = ("accuracy", "as the first") if found.images else ()
    console.show_table(
        "golden images against the answers in the card"
        + (f", and {found.images:,} images of {found.dataset}" if found.images else ""),
        ("model", "runs on", "golden images", *scored, "found"),
        [
            (
                one.model,
                one.provider.removesuffix(ORT_SUFFIX),
                {True: "right", False: "not right", None: "no card"}[one.right],
                *(f"{share:.2%}" for share in (one.accuracy, one.agreement) if share is not None),
                one.gaps,
            )
            for one in found.answers
        ],
        left=3,
    )
    for absent in found.unmeasured:
        console.say(f"not measured: {absent.model or 'any model'} in {absent.runtime}: {absent.reason}")
    for one in found.recommended:
        console.say(f"batch {one.batch}, {one.threads} threads: {one.reason}")


def _names(report: "BenchReport") -> Callable[[str, str], str]:
    """Return what the rows of a model on a provider are called: the model alone, where it ran on one."""
    pairs = {(timing.model, timing.provider) for timing in report.contenders}
    alone = len(pairs) == len({model for model, _ in pairs})
    return lambda model, provider: model if alone else f"{model} on {provider.removesuffix(ORT_SUFFIX)}"


def _show_models(report: "BenchReport") -> None:
    """Print what each model is, what really runs it, and what its first answer costs in a fresh process."""
    forms = {timing.model: timing.form for timing in report.contenders}
    first = {(f.model, f.provider): f for f in reversed(report.footprints)}  # of several thread counts
    first = dict(reversed(first.items()))
    console.show_table(
        "each in a process of its own, from start to first answer",
        ("model", "form", "runs on", "size", "import ms", "load ms", "first ms", "all ms", "memory"),
        [
            (
                f.model,
                forms[f.model],
                f.provider,
                console.size(f.size_bytes),
                f"{f.cold_start.import_ms:.0f}",
                f"{f.cold_start.load_ms:.0f}",
                f"{f.cold_start.first_ms:.1f}",
                f"{f.cold_start.total_ms:.0f}",
                console.size(f.cold_start.peak_bytes),
            )
            for f in first.values()
        ],
        left=3,
    )
    console.say()


def show_device(environment: "Environment | None") -> None:
    """Print what a device is, where it was one."""
    if environment is not None:
        show_environment(environment)


def show_environment(environment: "Environment") -> None:
    """Print what figures were measured on."""
    if environment.place is not None:
        console.say(f"machine: {environment.place}")
    quota = f", quota {environment.cpu_quota:g} CPUs" if environment.cpu_quota else ""
    memory = f"{console.size(environment.memory_bytes)} of memory, " if environment.memory_bytes else ""
    console.say(
        f"{environment.processor} ({environment.architecture}), {environment.threads_available} threads "
        f"(affinity {environment.affinity}{quota}), {memory}{environment.system}"
    )
    console.say("features: " + (" ".join(environment.cpu_features) or "not known"))
    if environment.versions:
        console.say("versions: " + ", ".join(f"{name} {version}" for name, version in environment.versions.items()))
