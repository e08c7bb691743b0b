"""edgecnn bench"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from . import console, said
from .options import AsJson, Contenders, InputShape, On, Providers, Seconds, Weights, integers

if TYPE_CHECKING:
    from edgecnn.bench import BenchReport
    from edgecnn.machine.environment import Environment

ORT_SUFFIX = "ExecutionProvider"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(bench)


def bench(
    models: Contenders,
    batch: Annotated[str, typer.Option("--batch", help="Batch sizes.")] = "1,8,64",
    threads: Annotated[
        str, typer.Option("--threads", help="Thread counts. Default: what affinity and quota allow.")
    ] = "",
    provider: Providers = "cpu",
    seconds: Seconds = 1.0,
    weights: Weights = None,
    shape: InputShape = None,
    on: On = None,
    as_json: AsJson = False,
) -> None:
    """Measure latency, throughput, cold start and memory; several models take turns, so that they can be compared.

    With several providers each model is measured on each, and compared with the first model on the first provider.

    With --on, model files are measured on a device that ssh reaches, without the way there: the calls are timed there.

    Example: edgecnn bench runs/mnist-c1 mnist-c1.onnx mnist-c1-preferred.onnx --batch 1,8 --threads 1,2
    """
    batches, thread_counts = integers(batch), integers(threads)
    from edgecnn import bench as measure

    with console.stages(quiet=as_json) as say:
        report = measure(
            models,
            weights=weights,
            input=None if shape is None else said.shape(shape),
            batches=batches,
            threads=thread_counts,
            provider=provider.split(","),
            seconds=seconds,
            on=on,
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


def show(report: "BenchReport") -> None:
    """Print all figures, then what they were measured on."""
    named = _names(report)
    _show_models(report)
    console.show_table(
        "latency in ms",
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
        console.show_table(
            f"latency over that of {named(report.comparisons[0].against, report.comparisons[0].against_provider)}",
            ("model", "batch", "threads", "ratio", "95 %", "verdict"),
            [
                (
                    named(r.model, r.provider),
                    str(r.batch),
                    str(r.threads),
                    f"{r.ratio:.2f}",
                    f"{r.ratio_ci95[0]:.2f}..{r.ratio_ci95[1]:.2f}",
                    r.verdict,
                )
                for r in report.comparisons
            ],
        )
    show_environment(report.environment)


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
    console.say("versions: " + ", ".join(f"{name} {version}" for name, version in environment.versions.items()))
