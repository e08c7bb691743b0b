"""edgecnn tune"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from . import console
from .bench import show_device
from .options import AsJson, DataRoot, Dataset, MaxDrop, ModelFile, On, Provider, Seconds, next_command

if TYPE_CHECKING:
    from edgecnn.tune import Tuned, Variant

MEGA = 1_000_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(tune)


def tune(
    model: ModelFile,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT.onnx", help="Default: MODEL-tuned.onnx.")
    ] = None,
    objective: Annotated[
        Literal["latency", "size", "memory"],
        typer.Option("--objective", help="What counts among those within the limits."),
    ] = "latency",
    max_drop_pp: MaxDrop = 0.5,
    max_size: Annotated[
        int | None, typer.Option("--max-size", min=1, metavar="BYTES", help="Largest file to accept.")
    ] = None,
    max_memory: Annotated[
        float | None,
        typer.Option("--max-memory", min=1, metavar="MB", help="Most memory of a process to accept, at its peak."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE.png", help="Draw the variants and their front.")
    ] = None,
    dataset: Dataset = None,
    root: DataRoot = None,
    seconds: Seconds = 8.0,
    provider: Provider = "cpu",
    on: On = None,
    test: Annotated[
        bool, typer.Option("--test/--no-test", help="Compare the preferred file on the test split, at the end.")
    ] = True,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Make all forms anew, whatever earlier searches left.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Search forms and session settings for the best file on this machine; write it with its settings.

    Forms are scored on validation images and timed with several numbers of threads, which spin or sleep while they
    wait. edgecnn.load follows the settings on processors of the same family. A search that was stopped goes on.

    Example: edgecnn tune mnist-compact -o tuned.onnx --max-drop-pp 0.2
    """
    from edgecnn.tune import tune as search

    with console.stages(quiet=as_json) as say:
        found = search(
            model,
            output,
            objective=objective,
            max_drop_pp=max_drop_pp,
            max_size_bytes=max_size,
            max_peak_bytes=None if max_memory is None else round(max_memory * MEGA),
            dataset=dataset,
            root=root,
            seconds=seconds,
            provider=provider,
            on=on,
            test=test,
            fresh=fresh,
            on_stage=say,
        )
    if picture is not None:
        _draw(found, picture)
    if as_json:
        console.show_json(found)
    else:
        _show(found, picture, dataset, root)


def _draw(found: "Tuned", picture: Path) -> None:
    from edgecnn import files
    from edgecnn.report import style
    from edgecnn.report.tuned import draw

    with style.style(), files.replacing(picture) as partial:
        partial.write_bytes(style.png(draw(found)))


def _show(found: "Tuned", picture: Path | None, dataset: str | None, root: Path | None) -> None:
    from edgecnn import metrics

    variants = sorted(found.variants, key=lambda one: one.latency_ratio)
    console.show_table(
        f"{found.validation_images:,} validation images; latency of one image over the parent's with default settings",
        ("form", "threads", "waiting", "size", "memory", metrics.title(found.metric), "drop pp", "p50 ms", "latency",
         "95 %", "verdict", "front"),
        [_cells(found, one) for one in variants],
        spare=("p50 ms", "memory", "95 %"),
    )  # fmt: skip
    show_device(found.environment)
    for one in found.dropped:
        console.say(f"{one.form} was not timed: it drops by {one.drop_pp:.2f} points and has {one.size_bytes:,} bytes")
    for lost in found.lost:
        console.say(f"{lost.form} was lost at its {lost.stage}: {lost.reason}")
    if found.screened:
        console.say(f"{console.counted(len(found.screened), 'variant')} more, slower in a brief look; --json has them")
    console.say(found.reason, style="bold")
    if found.tested is not None:
        tested = found.tested
        console.say(
            f"on {tested.images:,} images of the test split: {metrics.digits(found.metric, tested.score)}, the parent "
            f"{metrics.digits(found.metric, tested.parent_score)}; drop {tested.verdict}"
        )
    if picture is not None:
        console.say(f"{picture}: the picture")
    if found.preferred is found.variants[0]:
        console.say(f"{found.output}: stays the file to ship, nothing was written")
        return
    console.say(f"{found.output}: {found.preferred}")
    there = ("--on", found.environment.place) if found.environment.place else ()
    console.say_next(next_command("verify", found.model, found.output, *there, dataset=dataset, root=root))


def _cells(found: "Tuned", one: "Variant") -> tuple[str, ...]:
    from edgecnn import metrics

    low, high = one.latency_ratio_ci95
    is_parent = one is found.variants[0]
    return (
        one.form,
        str(one.threads),
        "spins" if one.spinning else "sleeps",
        console.size(one.size_bytes),
        console.size(one.peak_bytes),
        metrics.digits(found.metric, one.validation_score),
        f"{one.drop_pp:+.2f}",
        f"{one.p50_ms:.3f}",
        f"{one.latency_ratio:.2f}",
        "" if is_parent else f"{low:.2f}..{high:.2f}",
        one.verdict,
        ("front" if one.on_front else "") + (" *" if one is found.preferred else ""),
    )
