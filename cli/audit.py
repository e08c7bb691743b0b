"""edgecnn audit"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import console
from .options import AsJson, DataRoot, Dataset, ModelFile, Provider, Seconds, next_command

if TYPE_CHECKING:
    from edgecnn.audit import Audit
    from edgecnn.audit.found import Finding
    from edgecnn.audit.kinds import Kind

SHOWN = 16  # kernels; --json has all


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(audit)


def audit(
    model: ModelFile,
    reference: Annotated[
        Path | None,
        typer.Argument(
            metavar="REFERENCE",
            help="The file to compare with. Default: the float32 parent that the card names, where it lies beside.",
            show_default=False,
        ),
    ] = None,
    dataset: Dataset = None,
    root: DataRoot = None,
    provider: Provider = "cpu",
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, metavar="N", help="Default: what affinity and quota allow.")
    ] = None,
    seconds: Seconds = 1.0,
    as_json: AsJson = False,
) -> None:
    """Show what a file really runs, kernel by kernel, what to change, and what that would bring; why int8 is slower.

    Any ONNX file that takes images will do. Errors by layer are against the reference, on the card's golden images, or
    on training images of --data.

    Example: edgecnn audit mnist-compact
    """
    from edgecnn.audit import audit as ask

    with console.stages(quiet=as_json) as say:
        found = ask(
            model,
            reference,
            dataset=dataset,
            root=root,
            provider=provider,
            threads=threads,
            seconds=seconds,
            on_stage=say,
        )
    if found.environment.warning:
        console.warn(found.environment.warning)
    if as_json:
        console.show_json(found)
    else:
        _show(found)


def _show(found: "Audit") -> None:
    _show_kernels(found)
    console.say()
    _show_kinds(found)
    for finding in found.findings:
        console.say()
        _show_finding(finding)
    console.say()
    if found.fine:
        console.say("checked and fine:", style="bold")
        _show_checked([(one.seen, one.name) for one in found.fine])
    if found.unseen:
        console.say("not looked at:", style="bold")
        _show_checked([(one.why, one.name) for one in found.unseen])
    console.say()
    console.say(found.answer, style="bold")
    if found.reference is not None:
        console.say_next(next_command("bench", found.reference, found.model, "--batch", 1))


def _show_kernels(found: "Audit") -> None:
    by_time = sorted(found.kernels, key=lambda kernel: -kernel.share)
    with_errors = any(kernel.snr_db is not None for kernel in by_time)
    columns = ("node", "kernel", "in", "time", "µs", *(("dB", "falls by") if with_errors else ()))
    rows = [
        (
            kernel.node,
            kernel.operator,
            kernel.precision,
            _percent(kernel.share),
            f"{kernel.microseconds:.0f}",
            *((_number(kernel.snr_db), _number(kernel.fall_db)) if with_errors else ()),
        )
        for kernel in by_time[:SHOWN]
    ]
    if rest := by_time[SHOWN:]:
        share, taken = (sum(getattr(kernel, part) for kernel in rest) for part in ("share", "microseconds"))
        more = ("", "") if with_errors else ()
        rows.append((f"{len(rest)} more", "", "", _percent(share), f"{taken:.0f}", *more))
    told = f"; dB: signal to error on {console.counted(found.images, 'image')}, {found.images_source}"
    console.show_table(
        f"{found.model} ({found.form}): {console.counted(len(found.kernels), 'kernel')} on {found.provider}, "
        f"{console.counted(found.threads, 'thread')}, {found.call_us:.0f} µs a call" + (told if with_errors else ""),
        columns,
        rows,
        left=3,
        spare=("µs", "falls by"),
    )


def _show_kinds(found: "Audit") -> None:
    """Print the time by kind, beside that of the reference."""
    if found.reference is None:
        rows = [
            (kind.kind, str(kind.kernels), f"{kind.microseconds:.0f}", _percent(kind.share)) for kind in found.kinds
        ]
        console.show_table("by kind", ("kind", "kernels", "µs", "time"), rows)
        return
    console.show_table(
        f"by kind, beside {found.reference} ({found.reference_form}), {found.reference_call_us or 0:.0f} µs a call",
        ("kind", "kernels", "µs", "its kernels", "its µs", "more"),
        [_beside(kind) for kind in found.kinds],
    )


def _beside(kind: "Kind") -> tuple[str, ...]:
    reference = kind.reference_microseconds or 0.0
    return (
        kind.kind,
        str(kind.kernels),
        f"{kind.microseconds:.0f}",
        str(kind.reference_kernels or 0),
        f"{reference:.0f}",
        f"{kind.microseconds - reference:+.0f}",
    )


def _show_finding(finding: "Finding") -> None:
    brings = "" if finding.brings is None else f", up to {_percent(finding.brings)} of the time"
    console.say(f"found: {finding.name}{brings}", style="bold yellow")
    console.say(f"  {finding.seen}")
    if finding.nodes:
        console.say(f"  in: {', '.join(finding.nodes)}")
    console.say(f"  change: {finding.change}")
    console.say(f"  it would bring: {finding.how}")


def _show_checked(pairs: list[tuple[str, str]]) -> None:
    """Print what each check says, those that say the same on one line."""
    said: dict[str, list[str]] = {}
    for text, name in pairs:
        said.setdefault(text, []).append(name)
    for text, names in said.items():
        console.say(f"  {', '.join(names)}: {text}")


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
