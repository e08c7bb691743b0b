"""edgecnn leaderboard"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from . import console
from .options import AsJson, Contenders, DataRoot, Dataset, Seconds

if TYPE_CHECKING:
    from edgecnn.report.leaderboard import Leaderboard


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(leaderboard)


def leaderboard(
    models: Contenders,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Write it as Markdown, CSV, a page and pictures as well."),
    ] = None,
    dataset: Dataset = None,
    split: Annotated[Literal["test", "validation"], typer.Option("--split", help="Which images.")] = "test",
    seconds: Seconds = 1.0,
    root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Rank models by score against latency and size, and say which no other beats.

    Models of different data sets have a board each.

    Example: edgecnn leaderboard mnist-small mnist-compact mnist-best -o board
    """
    from edgecnn import leaderboard as rank

    with console.stages(quiet=as_json) as say:
        found = rank(models, output, dataset=dataset, root=root, split=split, seconds=seconds, on_step=say)
    if found.environment.warning:
        console.warn(found.environment.warning)
    if as_json:
        console.show_json(found)
    else:
        _show(found)


def _show(found: "Leaderboard") -> None:
    from edgecnn.report import ranking

    for board in found.boards:
        rows = [ranking.cells(board, row) for row in board.rows]
        console.show_table(board.title, ranking.columns(board), rows, left=2)
    console.say(
        "front: no other is as good in score, latency and size, and better in one; =: the best score is within the "
        "interval"
    )
    console.say(
        f"latency: median of one image, {console.counted(found.threads, 'thread')}, {found.environment.processor}"
    )
    for path in found.files:
        if path.suffix == ".html":
            console.say(f"{path}: the page; beside it Markdown, CSV and pictures")
