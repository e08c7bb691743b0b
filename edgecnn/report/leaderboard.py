"""The leaderboard: models measured side by side, in the order of their scores, against latency and size."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from edgecnn import files
from edgecnn.bench import BenchReport, bench
from edgecnn.card import ModelCard
from edgecnn.errors import EdgecnnError
from edgecnn.machine import threads as machine_threads
from edgecnn.machine.environment import Environment
from edgecnn.report import page_html, pareto, ranking, style
from edgecnn.report.making import model_file
from edgecnn.report.ranking import Board, Row
from edgecnn.report.subject import Quality, Source, subject_of
from edgecnn.text import counted, excerpt
from edgecnn.verify.compare import SplitName
from edgecnn.version import __version__

NAME = "leaderboard"
KINDS = (".csv", ".html", ".md", ".png", ".svg")


@dataclass(frozen=True)
class Leaderboard:
    """A board for each data set. Latency is the median of one image with ``threads`` threads on ``environment``;
    ``files`` are those that were written."""

    SCHEMA: ClassVar[int] = 1

    boards: list[Board]
    threads: int
    environment: Environment
    files: list[Path]
    seconds: float


@dataclass(frozen=True)
class _Measured:
    """A model as it was named, with its file and what was measured on images."""

    name: str
    file: Path
    card: ModelCard
    quality: Quality


def leaderboard(
    models: Sequence[str | Path],
    output: str | Path | None = None,
    *,
    dataset: str | None = None,
    root: str | Path | None = None,
    split: SplitName = "test",
    seconds: float = 1.0,
    on_step: Callable[[str], None] = lambda step: None,
) -> Leaderboard:
    """Measure models on the images of their data set, and their latency side by side, and rank them.

    Example::

        import edgecnn

        found = edgecnn.leaderboard(["digits.onnx", "digits-int8.onnx"], "board", seconds=0.1)
        print([(row.model, row.score, row.latency_ms, row.front) for row in found.boards[0].rows])

    A model is a file, a name of the zoo, or a run, which is exported for it. Models of different data sets have a board
    each, as their scores say nothing of each other; ``dataset`` names one for all. Each is timed for ``seconds``.
    ``output`` is a folder, which gets the boards as Markdown, CSV and a page, and a picture for each.
    Raises EdgecnnError for a model that is named twice, and what ``edgecnn.verify`` and ``edgecnn.bench`` raise.
    """
    started = time.perf_counter()
    names = [str(model) for model in models]
    for name in names:
        if names.count(name) > 1:
            raise EdgecnnError(f"{excerpt(name)}: is named twice. Name each model once.")
    if output is not None:
        _check_folder(Path(output))
    threads = machine_threads.available()
    with ExitStack() as stack:
        measured = []
        for name in names:
            file = stack.enter_context(model_file(Path(name), dataset, root, on_step))
            on_step(f"{name}: {split} images")
            place = Path(root) if root else None
            subject = subject_of(Source(name, file, dataset=dataset, root=place, split=split, say=on_step))
            measured.append(_Measured(name, file, subject.card, subject.quality))
        on_step("latency")
        timed = bench(
            list(dict.fromkeys(one.file for one in measured)), batches=[1], threads=[threads], seconds=seconds
        )
    boards = _boards(measured, timed)
    written = [] if output is None else _write(Path(output), boards, threads, timed.environment)
    return Leaderboard(boards, threads, timed.environment, written, time.perf_counter() - started)


def _boards(measured: Sequence[_Measured], timed: BenchReport) -> list[Board]:
    """Return a board for each set of images, in the order in which they were named."""
    latencies = {timing.model: timing.p50_ms for timing in timed.contenders}
    sizes = {footprint.model: footprint.size_bytes for footprint in timed.footprints}
    groups: dict[tuple[str, str, str, int], list[Row]] = {}
    for one in measured:
        quality, card = one.quality, one.card
        row = Row(
            model=one.name,
            form=card.form,
            score=quality.value,
            interval=quality.interval,
            size_bytes=sizes[str(one.file)],
            latency_ms=latencies[str(one.file)],
            parameters=card.parameters,
        )
        groups.setdefault((quality.dataset, quality.split, quality.metric, quality.images), []).append(row)
    return [ranking.ranked(*images, rows) for images, rows in groups.items()]


def _write(folder: Path, boards: Sequence[Board], threads: int, machine: Environment) -> list[Path]:
    """Write everything; nothing has its name before all of it is there."""
    measured_on = f"Latency is the median of one image, {counted(threads, 'thread')}, on {machine.processor}."
    with style.style(), files.scratch_folder(folder) as partial:
        shown = []
        for name, board in _named(boards):
            picture = style.laid_out(pareto.draw(board))
            (partial / f"{name}.png").write_bytes(style.png(picture))
            (partial / f"{name}.svg").write_text(style.plain_svg(picture), encoding="utf-8")
            shown.append((board, page_html.data_url(picture)))
        (partial / f"{NAME}.csv").write_text(ranking.as_csv(boards), encoding="utf-8")
        (partial / f"{NAME}.md").write_text(_markdown(boards, measured_on), encoding="utf-8")
        (partial / f"{NAME}.html").write_text(_page(shown, measured_on), encoding="utf-8")
        names = sorted(path.name for path in partial.iterdir())
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            files.write_bytes(folder / name, (partial / name).read_bytes())
    return [folder / name for name in names]


def _check_folder(folder: Path) -> None:
    if folder.suffix in KINDS and not folder.exists():
        raise EdgecnnError(
            f"{folder}: is the name of a file; the leaderboard is several, in a folder. Name that: -o {folder.stem}"
        )
    if folder.exists() and not folder.is_dir():
        raise EdgecnnError(f"{folder}: is a file; the leaderboard is written into a folder. Name another with -o.")


def _named(boards: Sequence[Board]) -> Iterator[tuple[str, Board]]:
    """Yield boards with what their pictures are called: by number where there are several."""
    for place, board in enumerate(boards, 1):
        yield NAME if len(boards) == 1 else f"{NAME}-{place}", board


def _markdown(boards: Sequence[Board], measured_on: str) -> str:
    parts = [
        f"## {board.title}\n\n{ranking.as_markdown(board)}\n\n![Score against latency and size]({name}.svg)"
        for name, board in _named(boards)
    ]
    return "\n\n".join(["# Leaderboard", *parts, f"{measured_on} {MEANING}"]) + "\n"


MEANING = (
    "On the front are the models of which no other is as good in score, latency and size, and better in one of them. "
    "A score with = reaches the best one within its 95 % interval."
)


def _page(shown: Sequence[tuple[Board, str]], measured_on: str) -> str:
    parts = [
        (board.title, picture, ranking.columns(board), [ranking.cells(board, row) for row in board.rows])
        for board, picture in shown
    ]
    template = page_html.templates().get_template(f"{NAME}.html")
    return template.render(parts=parts, measured_on=measured_on, meaning=MEANING, version=__version__)
