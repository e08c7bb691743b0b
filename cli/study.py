"""edgecnn study"""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from . import console
from .options import AsJson, DataRoot, StudyName, integers
from .stop import stop_requests

if TYPE_CHECKING:
    from edgecnn.study.results import StudyResult


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(study)


def study(
    name: StudyName,
    quick: Annotated[bool, typer.Option("--quick", help="The small size: minutes, to see that it runs.")] = False,
    seeds: Annotated[str, typer.Option("--seeds", help="Override the study's seeds, such as 0,1,2.")] = "",
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", metavar="N", help="Runs at once. Default: one per core; 1 gives a run all cores."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Default: studies/STUDY, with --quick studies/STUDY-quick."),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key of every run's recipe.")
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option("--device", help="cuda runs one at a time; not there: an error.")
    ] = "auto",
    root: DataRoot = None,
    on: Annotated[
        str | None,
        typer.Option("--on", metavar="RAY", help="Train by Ray: ray on this machine, or ray://HOST:PORT of a cluster."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train what a study compares, side by side, into a table and a picture; given again, it continues.

    With a table [search] in its file, runs that do badly are stopped early.

    Example: edgecnn study e-learning-rates --quick --seeds 0,1
    """
    seed_list = integers(seeds)
    from edgecnn.errors import Interrupted
    from edgecnn.recipes.read import parse_setting
    from edgecnn.report.study import draw_study
    from edgecnn.study.read import read
    from edgecnn.study.run import run_study

    found = read(name)
    with stop_requests() as stop, console.study_bars(quiet=as_json) as (on_progress, on_run):
        try:
            result = run_study(
                found,
                folder or Path("studies") / (f"{found.name}-quick" if quick else found.name),
                quick=quick,
                seeds=seed_list,
                changes=dict(parse_setting(setting) for setting in settings or []),
                jobs=jobs,
                device=device,
                root=root,
                on=on,
                on_progress=on_progress,
                on_run=on_run,
                should_stop=stop.is_set,
            )
        except Interrupted as interrupted:
            again = shlex.join(["edgecnn", *sys.argv[1:]])
            raise Interrupted(f"{interrupted}\nContinue with the same command: {again}") from None
    draw_study(result)
    if as_json:
        from edgecnn.study.results import as_document

        console.show_json(as_document(result))
    else:
        show(result)
    raise typer.Exit(1 if result.failed else 0)


def show(result: "StudyResult") -> None:
    """Print the table, what must be known to read it, and where everything lies."""
    from edgecnn.study import results, searched

    console.show_table(result.description, *results.table(result))
    if means := results.means(result):
        console.say()
        console.show_table("", ("run", "seeds", results.score_column(result)), means)
    if result.search is not None:
        console.say()
        console.show_table(searched.heading(result.search), *searched.ladder(result.search))
    for run in result.failed:
        console.verdict(False, f"{run.label}, seed {run.seed}: {run.failed}")
    for note in results.notes(result):
        console.say(note)
    console.say(f"table: {result.folder / 'study.md'}   picture: {result.picture}")
