"""Everything that is shown: tables on standard output, progress on standard error, JSON when asked."""

import contextlib
import errno
import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import typer

from edgecnn import text
from edgecnn.text import counted as counted
from edgecnn.text import duration as duration

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID
    from rich.text import Text

    from edgecnn.adopt import Adopted
    from edgecnn.export import Exported
    from edgecnn.study.results import RunResult
    from edgecnn.train import Progress as TrainingProgress
    from edgecnn.verify.table import Table as Shown

PATIENCE_S = 0.3  # what ends before shows nothing that flickers
UNENDING = 10_000  # a file or a pipe has no width; folding for a terminal that is not there helps nobody

Row = Sequence[str]


def _console(*, stderr: bool = False) -> "Console":
    """Return a console whose reader may go away, which Rich would take for a check that failed, and whose cursor stays
    where it is seen, whatever ends the program."""
    from rich.console import Console

    class Own(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

        def show_cursor(self, show: bool = True) -> bool:
            return False

    found = Own(stderr=stderr)
    return found if found.is_terminal else Own(stderr=stderr, width=UNENDING)


@functools.cache
def out() -> "Console":
    """Where results go."""
    return _console()


@functools.cache
def err() -> "Console":
    """Where all else goes."""
    return _console(stderr=True)


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


def show_table(
    title: str, columns: Sequence[str], rows: Sequence[Row], *, left: int = 1, spare: Sequence[str] = ()
) -> None:
    """Print a table; the first ``left`` columns are text, the others are set right where they are numbers.

    Where there is no room, columns of ``spare`` are left out, the first one first, and that is said.
    """
    from . import table

    if title:
        say(title, style="bold")
    console = out()
    shown = [[text.lines(cell).replace("\n", " ") for cell in row] for row in rows]
    width = console.width if console.is_terminal else None
    for line in table.lines(columns, shown, left=left, width=width, spare=spare):
        _put(console, _line(line.text, style="bold" if line.bold else ""))


def say(line: str = "", *, style: str = "") -> None:
    """Print a line of the result."""
    _put_folded(out(), _line(line, style=style))


def say_next(command: str) -> None:
    """Print what to type next; where it is folded, a shell takes it still."""
    from .table import folded

    width = out().width - len("   \\")
    _put(out(), _line(" \\\n  ".join(folded(f"next: {command}", width))))


def tell(line: str) -> None:
    """Print a line away from the result."""
    _put_folded(err(), _line(line))


def _line(shown: str, *, style: str = "") -> "Text":
    """Return what is printed: labels and names of files have no say over the terminal."""
    from rich.text import Text

    return Text(text.lines(shown), style=style)


def _put_folded(console: "Console", line: "Text") -> None:
    """Print a line, folded between words."""
    from .table import folded

    if not console.is_terminal or line.cell_len <= console.width:
        _put(console, line)
        return
    places, at = [], 0
    for part in line.plain.split("\n"):
        for fold in folded(part, console.width):
            at += len(fold) + 1
            places.append(at)
    for printed in line.divide(places[:-1]):
        printed.rstrip()
        _put(console, printed)


def _put(console: "Console", line: "Text") -> None:
    console.print(line, soft_wrap=True)


def show_parity(original: str, found: "Exported | Adopted") -> None:
    """Say how alike a written file and what it was made of answer."""
    from edgecnn import metrics

    score = found.test_score
    alike = "" if found.agreement is None else f", same top-1 on {found.agreement:.2%}"
    alike += "" if score is None else f", {metrics.title(score.metric)} {metrics.digits(score.metric, score.value)}"
    verdict(
        True,
        f"same as {original} on {found.parity_images:,} images ({found.parity_source}): largest gap of {found.output} "
        f"{found.max_abs_gap:.1e}{alike}",
    )


def verdict(passed: bool | None, reason: str) -> None:
    """Print the line that a reader looks for first; None is undecided."""
    word, color = {True: ("passed", "green"), False: ("FAILED", "red"), None: ("UNDECIDED", "yellow")}[passed]
    say(f"{word}: {reason}", style=f"bold {color}")


def warn(line: str) -> None:
    """Print a line that must not be missed, away from the result."""
    from rich.text import Text

    _put_folded(err(), Text.assemble(("warning: ", "bold yellow"), _line(line)))


def is_looked_at() -> bool:
    """Tell whether progress is of use: on a terminal that can take a line back."""
    return err().is_terminal and not err().is_dumb_terminal


@contextlib.contextmanager
def stages(*, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Yield a function that says what is going on, on one line that vanishes, with how much of it is done and for how
    long it goes on; silent where nobody looks."""
    if quiet or not is_looked_at():
        yield lambda stage: None
        return
    from rich.progress import BarColumn, SpinnerColumn, TextColumn

    from edgecnn import progress

    spinner = SpinnerColumn("dots" if err().encoding.startswith("utf") else "line")
    bars = _bars(
        spinner,
        TextColumn("{task.description}"),
        BarColumn(12 if err().width > NARROW else 4),
        TextColumn("{task.fields[figures]}"),
    )
    task = bars.add_task("starting …", total=None, figures="")

    def say_stage(stage: str) -> None:
        bars.reset(task, description=text.lines(f"{stage} …"), total=None, figures="")

    def show_done(done: int, total: int) -> None:
        bars.update(task, completed=done, total=total, figures=f"{done:,} of {total:,}")

    begun = threading.Timer(PATIENCE_S, bars.start)
    begun.start()
    try:
        with progress.told_to(show_done):
            yield say_stage
    finally:
        begun.cancel()
        begun.join()
        bars.stop()


def _bars(*columns: Any) -> "Progress":
    """Return Rich's bars, with the time that each took, which vanish at their end."""
    from rich.progress import Progress, TimeElapsedColumn

    return Progress(*columns, TimeElapsedColumn(), console=err(), transient=True)


@contextlib.contextmanager
def training_bar(*, quiet: bool = False) -> Iterator[Callable[["TrainingProgress"], None]]:
    """Yield a function that shows how training stands; silent where nobody looks."""
    if quiet or not is_looked_at():
        yield lambda now: None
        return
    from rich.progress import BarColumn, TextColumn

    from edgecnn import progress

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=12), TextColumn("{task.fields[figures]}"))
    bar = _bars(*columns)
    task = bar.add_task("starting", total=None, figures="")

    def show(now: "TrainingProgress") -> None:
        bar.start()  # not before: while it runs, standard output goes to standard error
        bar.update(
            task,
            description=f"epoch {now.epoch}/{now.epochs}",
            total=now.steps,
            completed=now.step,
            figures=_standing(now, err().width - WITHOUT_FIGURES),
        )

    def prepare(done: int, total: int) -> None:
        if not bar.tasks[task].fields["figures"]:
            bar.start()
            bar.update(task, description="preparing", total=total, completed=done)

    try:
        with progress.told_to(prepare):
            yield show
    finally:
        bar.stop()


NARROW = 70  # columns of a terminal in which a bar makes room for what is done and the time
WITHOUT_FIGURES = 40  # what the name, the bar and the time of a line take


def _standing(progress: "TrainingProgress", width: int) -> str:
    """Return how a training stands, what matters most first, as much as there is room for."""
    from edgecnn import metrics

    parts = (
        f"{duration(progress.seconds_left)} left",
        f"{metrics.title(progress.metric)} {metrics.digits(progress.metric, progress.value)}",
        f"loss {progress.loss:.4f}",
        f"{progress.images_per_second:,.0f} images/s",
    )
    shown = parts[0]
    for part in parts[1:]:
        if len(shown) + 2 + len(part) > width:
            break
        shown += f"  {part}"
    return shown


@contextlib.contextmanager
def study_bars(
    *, quiet: bool = False
) -> Iterator[tuple[Callable[[str, "TrainingProgress"], None], Callable[["RunResult"], None]]]:
    """Yield what shows how a run stands, on a line for each that is under way, and what shows its end; silent where
    nobody looks."""
    if quiet or not is_looked_at():
        yield lambda name, progress: None, lambda result: None
        return
    from rich.progress import BarColumn, TextColumn

    from edgecnn import metrics

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=8), TextColumn("{task.fields[figures]}"))
    tasks: dict[str, TaskID] = {}
    with _bars(*columns) as bar:

        def show(name: str, progress: "TrainingProgress") -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=None, figures="")
            done = (progress.epoch - 1) * progress.steps + progress.step
            standing = _standing(progress, err().width - WITHOUT_FIGURES - len(name))
            figures = f"epoch {progress.epoch}/{progress.epochs}  {standing}"
            bar.update(tasks[name], total=progress.epochs * progress.steps, completed=done, figures=figures)

        def end(result: "RunResult") -> None:
            if result.run.name in tasks:
                bar.remove_task(tasks.pop(result.run.name))
            found, said = result.finished, f"FAILED: {result.failed}"
            if result.stopped:
                said = f"stopped after epoch {result.stopped.epochs}: {result.stopped.why}"
            if found:
                said = f"{metrics.digits(found.metric, found.score)} in {duration(found.seconds)}"
            tell(f"{result.run.name}: {said}")

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
