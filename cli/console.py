"""Everything that is shown: tables on standard output, progress on standard error, JSON when asked. The only Rich."""

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from edgecnn import text
from edgecnn.text import counted as counted
from edgecnn.text import duration as duration

if TYPE_CHECKING:
    from edgecnn.study.results import RunResult
    from edgecnn.train import Progress as TrainingProgress
    from edgecnn.verify.compared import Table as Shown

PIPED_WIDTH = 160  # a file or a pipe has no width; folding for a terminal that is not there helps nobody


class _Console(Console):
    """A console whose reader may go away: Rich would end the program as one whose check failed."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


out: Console = _Console()
if not out.is_terminal:
    out = _Console(width=PIPED_WIDTH)
err = Console(stderr=True)

Row = Sequence[str]


def show_json(value: object) -> None:
    """Print dataclasses, paths and arrays as one JSON object, numbers in full."""
    from edgecnn.documents import to_json

    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    typer.echo(text.json_text(to_json(value, ascii_only=not unicode)))


def plain(value: object) -> Any:
    """Turn a result into what JSON has."""
    from edgecnn.documents import encode

    return encode(value)


def show_tables(tables: "Sequence[Shown]", remarks: Sequence[str]) -> None:
    """Print what a result has for people to look at, and what is said beside."""
    for table in tables:
        show_table(table.title, table.columns, table.rows, left=table.left)
    for remark in remarks:
        say(remark)


def show_table(title: str, columns: Sequence[str], rows: Sequence[Row], *, left: int = 1) -> None:
    """Print a table; the first ``left`` columns are text, the others numbers."""
    if title:
        out.print(_line(title, style="bold"))  # a title of the table's own is padded to its width, also in a file
    table = Table(header_style="bold", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*(_line(cell) for cell in row))
    out.print(table)


def say(line: str = "", *, style: str = "") -> None:
    """Print a line of the result."""
    out.print(_line(line, style=style), soft_wrap=True)


def tell(line: str) -> None:
    """Print a line away from the result."""
    err.print(_line(line), soft_wrap=True)


def _line(shown: str, *, style: str = "") -> Text:
    """Return what is printed: labels and names of files have no say over the terminal."""
    return Text(text.lines(shown), style=style)


def verdict(passed: bool | None, reason: str) -> None:
    """Print the line that a reader looks for first; None is undecided."""
    word, color = {True: ("passed", "green"), False: ("FAILED", "red"), None: ("UNDECIDED", "yellow")}[passed]
    say(f"{word}: {reason}", style=f"bold {color}")


def warn(line: str) -> None:
    """Print a line that must not be missed, away from the result."""
    err.print(Text.assemble(("warning: ", "bold yellow"), _line(line)), soft_wrap=True)


@contextlib.contextmanager
def stages(*, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Yield a function that says what is going on, on one line that vanishes; silent where nobody looks."""
    if quiet or not err.is_terminal:
        yield lambda stage: None
        return
    with err.status("") as status:
        yield lambda stage: status.update(_line(f"{stage} …"))


@contextlib.contextmanager
def training_bar(*, quiet: bool = False) -> Iterator[Callable[["TrainingProgress"], None]]:
    """Yield a function that shows how training stands; silent where nobody looks."""
    if quiet or not err.is_terminal:
        yield lambda progress: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.fields[figures]}"))
    bar = Progress(*columns, console=err, transient=True)
    task = bar.add_task("starting", total=None, figures="")

    def show(progress: "TrainingProgress") -> None:
        bar.start()  # not before: while it runs, standard output goes to standard error
        bar.update(
            task,
            description=f"epoch {progress.epoch}/{progress.epochs}",
            total=progress.steps,
            completed=progress.step,
            figures=_standing(progress),
        )

    try:
        yield show
    finally:
        bar.stop()


def _standing(progress: "TrainingProgress") -> str:
    from edgecnn import metrics

    score = f"{metrics.title(progress.metric)} {metrics.digits(progress.metric, progress.value)}"
    return (
        f"loss {progress.loss:.4f}  {score}  {progress.images_per_second:,.0f} images/s  "
        f"{duration(progress.seconds_left)} left"
    )


@contextlib.contextmanager
def study_bars(
    *, quiet: bool = False
) -> Iterator[tuple[Callable[[str, "TrainingProgress"], None], Callable[["RunResult"], None]]]:
    """Yield what shows how a run stands, on a line for each that is under way, and what shows its end; silent where
    nobody looks."""
    if quiet or not err.is_terminal:
        yield lambda name, progress: None, lambda result: None
        return
    from edgecnn import metrics

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=16), TextColumn("{task.fields[figures]}"))
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=err, transient=True) as bar:

        def show(name: str, progress: "TrainingProgress") -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=None, figures="")
            done = (progress.epoch - 1) * progress.steps + progress.step
            figures = f"epoch {progress.epoch}/{progress.epochs}  {_standing(progress)}"
            bar.update(tasks[name], total=progress.epochs * progress.steps, completed=done, figures=figures)

        def end(result: "RunResult") -> None:
            if result.run.name in tasks:
                bar.remove_task(tasks.pop(result.run.name))
            found, said = result.finished, f"FAILED: {result.failed}"
            if found:
                said = f"{metrics.digits(found.metric, found.score)} in {duration(found.seconds)}"
            bar.console.print(_line(f"{result.run.name}: {said}"), soft_wrap=True)

        yield show, end


def unmeasured(models: Sequence[str], family: str) -> str:
    """Say of which models the preferred form may be another on this machine."""
    return (
        f"not measured on processors of this family ({family}): {', '.join(models)}. Another form may be faster here; "
        "edgecnn bench NAME NAME/fp32 tells."
    )


def size(count: float) -> str:
    """Write a number of bytes.

    >>> size(512), size(18_432), size(4_450_000)
    ('512 B', '18.4 kB', '4.45 MB')
    """
    for unit, factor, digits in (("GB", 1e9, 2), ("MB", 1e6, 2), ("kB", 1e3, 1)):
        if count >= factor:
            return f"{count / factor:.{digits}f} {unit}"
    return f"{count:.0f} B"
