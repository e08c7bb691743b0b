"""A report: the first screen and every figure that there is for a model, as one page and as files beside it."""

import csv
import io
import shlex
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, cast

import numpy as np

from edgecnn import files, text, zoo
from edgecnn.contender import is_checkpoint
from edgecnn.errors import EdgecnnError
from edgecnn.registry import FIGURES
from edgecnn.report import page_html, style, verdict
from edgecnn.report.figure import Cell, Failed, Kind, Missing, Numbers, Outcome, kinds
from edgecnn.report.subject import Source, Subject, parent_of, subject_of
from edgecnn.report.verdict import Verdict
from edgecnn.verify.compare import SplitName

SUFFIXES = (".html", ".htm")


@dataclass(frozen=True)
class Drawn:
    """One figure of a report: its numbers and its files beside the page, or why it is ``missing``, or how it
    ``failed``."""

    name: str
    title: str
    caption: str
    columns: list[str]
    rows: list[list[Cell]]
    files: list[str]
    missing: str | None
    failed: str | None


@dataclass(frozen=True)
class Report:
    """A written report. ``folder`` has each figure as PNG and SVG and its numbers as CSV."""

    SCHEMA: ClassVar[int] = 1

    path: Path
    folder: Path
    size_bytes: int
    model: str
    verdict: Verdict
    figures: list[Drawn]
    seconds: float

    @property
    def failed(self) -> list[Drawn]:
        """The figures that should be there and are not."""
        return [figure for figure in self.figures if figure.failed]


def report(
    model: str | Path,
    reference: str | Path | None = None,
    output: str | Path | None = None,
    *,
    run: str | Path | None = None,
    dataset: str | None = None,
    root: str | Path | None = None,
    split: SplitName = "test",
    max_drop_pp: float = 0.5,
    seconds: float = 0.3,
    only: tuple[str, ...] = (),
    on_step: Callable[[str], None] = lambda step: None,
) -> Report:
    """Draw what can be seen of a model file, a model of the zoo, or a run (which is exported for it) into one page.

    Example::

        import edgecnn

        report = edgecnn.report("digits-int8.onnx", "digits.onnx", "report.html", seconds=0.1)
        print(report.verdict.answer, [figure.name for figure in report.figures if figure.missing])

    ``reference`` is what the model is held to; a quantized model of the zoo has its float32 file, and is compared with
    that on as many images as take seconds. ``run`` has the
    learning curves, ``seconds`` are those that each setting is timed for (0 times nothing), ``only`` names figures,
    all of them where it is empty.
    Raises EdgecnnError for a figure or a file that is none.
    """
    started = time.perf_counter()
    target = Path(output or "report.html")
    if target.suffix not in SUFFIXES:
        raise EdgecnnError(f"{target}: a report ends in .html, as in -o {target.stem}.html")
    for name in only:
        FIGURES.check(name)
    with model_file(Path(model), dataset, root, on_step) as file:
        source = Source(
            model=str(model),
            file=file,
            reference=str(reference) if reference else parent_of(str(model)),
            asked=reference is not None,
            run=_run_of(model, run),
            dataset=dataset,
            root=Path(root) if root else None,
            split=split,
            max_drop_pp=max_drop_pp,
            seconds=seconds,
            command=_command(str(model), reference, run, dataset, split),
            say=on_step,
        )
        subject = subject_of(source)
        wanted = [kind for kind in kinds(subject.card.task) if not only or kind.name in only]
        return _write(subject, wanted, target, started)


@contextmanager
def model_file(
    model: Path, dataset: str | None, root: str | Path | None, on_step: Callable[[str], None]
) -> Iterator[Path]:
    """Yield the model file: of a run, one that is exported for the report and gone after it."""
    if not is_checkpoint(model):
        yield zoo.find(model)
        return
    from edgecnn import export

    on_step("exporting the run")
    with files.temporary_folder("report") as folder:
        yield export(model, folder / f"{model.absolute().name}.onnx", dataset=dataset, root=root).path


def _run_of(model: str | Path, run: str | Path | None) -> Path | None:
    if run is not None:
        return Path(run)
    return Path(model) if Path(model).is_dir() and is_checkpoint(model) else None


def _command(model: str, reference: str | Path | None, run: str | Path | None, dataset: str | None, split: str) -> str:
    """Return what makes the report again; where the data sets lie is for whoever does."""
    words = ["edgecnn", "report", model, *([str(reference)] if reference else [])]
    words += [*(["--run", str(run)] if run else []), *(["--data", dataset] if dataset else [])]
    return shlex.join([*words, *(["--split", split] if split != "test" else [])])


def _write(subject: Subject, wanted: list[Kind], target: Path, started: float) -> Report:
    """Draw and write everything; nothing has its name before all of it is there."""
    folder = target.with_name(f"{target.stem}_files")
    _check_folder(folder)
    with style.style(), files.scratch_folder(folder) as partial:
        found = {kind: _drawn(kind, subject) for kind in wanted}
        said = verdict.of(subject)
        drawn = [_files(kind, figure, partial) for kind, figure in found.items()]
        subject.source.say("writing the page")
        with files.replacing(target) as page:
            page.write_text(page_html.rendered(subject, said, found, partial, folder.name), encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(partial, folder, copy_function=shutil.copyfile)
            folder.chmod(0o777 & ~files.umask())
    return Report(
        path=target,
        folder=folder,
        size_bytes=target.stat().st_size,
        model=subject.source.model,
        verdict=said,
        figures=drawn,
        seconds=time.perf_counter() - started,
    )


def _check_folder(folder: Path) -> None:
    """Raise EdgecnnError where something that no report wrote would be replaced."""
    foreign = [path for path in folder.iterdir() if path.suffix not in page_html.KINDS] if folder.is_dir() else []
    if foreign or (folder.exists() and not folder.is_dir()):
        what = foreign[0] if foreign else folder
        raise EdgecnnError(
            f"{what}: is in the way, and no file of a report. Name another report with -o, or remove it."
        )


def _drawn(kind: Kind, subject: Subject) -> Outcome:
    subject.source.say(kind.title)
    try:
        return kind.draw(subject)
    except EdgecnnError as error:
        return Missing(str(error))
    except Exception as error:  # a figure takes no other with it; the page, the terminal and the exit code tell of it
        return Failed(f"{type(error).__name__}: {error}")


def _files(kind: Kind, figure: Outcome, folder: Path) -> Drawn:
    """Write a figure's picture and numbers, and say what they are called."""
    if isinstance(figure, Missing):
        return Drawn(kind.name, kind.title, "", [], [], [], figure.reason, None)
    if isinstance(figure, Failed):
        return Drawn(kind.name, kind.title, "", [], [], [], None, figure.error)
    (folder / f"{kind.name}.csv").write_text(_csv(figure.numbers), encoding="utf-8", newline="")
    names = [f"{kind.name}.csv"]
    if figure.picture is not None:
        picture = style.laid_out(figure.picture)
        (folder / f"{kind.name}.png").write_bytes(style.png(picture))
        (folder / f"{kind.name}.svg").write_text(style.plain_svg(picture), encoding="utf-8")
        names += [f"{kind.name}.png", f"{kind.name}.svg"]
    rows = [[_plain(cell) for cell in row] for row in figure.numbers.rows]
    return Drawn(kind.name, kind.title, figure.caption, list(figure.numbers.columns), rows, names, None, None)


def _plain(cell: Cell) -> Cell:
    return cast(Cell, cell.item()) if isinstance(cell, np.generic) else cell


def _csv(numbers: Numbers) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(numbers.columns)
    writer.writerows(text.csv_text(row) for row in numbers.rows)
    return buffer.getvalue()
