"""edgecnn report"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edgecnn.registry import FIGURES

from . import console
from .options import AnyModel, AsJson, DataRoot, Dataset, MaxDrop

if TYPE_CHECKING:
    from edgecnn.report import Report


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(report)


def _figures() -> list[str]:
    """Complete the names of figures."""
    return list(FIGURES.names())


def report(
    model: AnyModel,
    reference: Annotated[
        Path | None,
        typer.Argument(metavar="[REFERENCE]", help="What it is held to. Default: the float32 file beside a zoo model."),
    ] = None,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="REPORT.html", help="The page; its figures lie beside it."),
    ] = Path("report.html"),
    run: Annotated[Path | None, typer.Option("--run", help="The run that a model file is of, for its curves.")] = None,
    dataset: Dataset = None,
    split: Annotated[Literal["test", "validation"], typer.Option("--split", help="Which images.")] = "test",
    max_drop_pp: MaxDrop = 0.5,
    seconds: Annotated[
        float,
        typer.Option("--seconds", metavar="S", min=0, help="Time to measure in each setting; 0 measures nothing."),
    ] = 0.3,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="FIGURE",
            help="Only this figure; may be repeated.",
            autocompletion=_figures,
        ),
    ] = None,
    root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Draw a model into one HTML page: how good, how fast, how large, what it sees, and whether it can be shipped.

    Exit code 1 where a figure could not be drawn; the page says which.

    Example: edgecnn report mnist-compact -o mnist-compact.html
    """
    from edgecnn import report as draw

    with console.stages(quiet=as_json) as say:
        made = draw(
            model,
            reference,
            output,
            run=run,
            dataset=dataset,
            root=root,
            split=split,
            max_drop_pp=max_drop_pp,
            seconds=seconds,
            only=tuple(only or ()),
            on_step=say,
        )
    if as_json:
        console.show_json(made)
    else:
        _show(made)
    for figure in made.failed:
        console.warn(f"{figure.title} could not be drawn: {figure.failed}")
    raise typer.Exit(1 if made.failed else 0)


def _show(made: "Report") -> None:
    for reason in made.verdict.reasons:
        console.say(f"{reason.weight:>7}: {reason.text}")
    for figure in made.figures:
        if figure.missing:
            console.say(f"not shown: {figure.title}: {figure.missing}")
    console.say(f"ship it? {made.verdict.sentence}", style="bold")
    drawn = sum(1 for figure in made.figures if not (figure.missing or figure.failed))
    console.say(
        f"{made.path}: {console.counted(drawn, 'figure')}, {console.size(made.size_bytes)}, in "
        f"{console.duration(made.seconds)}; pictures and numbers in {made.folder}"
    )
