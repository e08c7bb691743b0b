"""Models in the order of their scores on the same images, and which of them no other beats in everything.

Ranked from figures that are known, whoever measured them: the leaderboard's are new, the zoo's are those kept with it.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from edgecnn import metrics
from edgecnn.text import csv_text, markdown
from edgecnn.text import table as markdown_table

CSV_COLUMNS = (
    "dataset", "split", "images", "metric", "model", "form", "score", "low", "high", "latency_ms", "size_bytes",
    "parameters", "front", "reaches_best",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A model. ``score`` is a fraction, ``latency_ms`` the median of one image; what nobody measured is None.

    On the ``front`` are those of which no other is as good in score, size and latency, and better in one of them.
    ``reaches_best`` says that the interval of the score holds the best one of the board.
    """

    model: str
    form: str
    score: float
    interval: tuple[float, float] | None
    size_bytes: int
    latency_ms: float | None
    parameters: int
    front: bool = False
    reaches_best: bool = False


@dataclass(frozen=True)
class Board:
    """Models that were measured on the same images, the best first."""

    dataset: str
    split: str
    metric: str
    images: int
    rows: list[Row]

    @property
    def title(self) -> str:
        """What was measured."""
        return f"{metrics.title(self.metric)} on {self.images:,} images of the {self.split} split of {self.dataset}"


def ranked(dataset: str, split: str, metric: str, images: int, rows: Sequence[Row]) -> Board:
    """Sort rows, and say which are on the front and which reach the best."""
    best = max(row.score for row in rows)
    judged = [
        replace(
            row,
            front=not any(_beats(other, row) for other in rows),
            reaches_best=row.score == best or (row.interval is not None and row.interval[1] >= best),
        )
        for row in rows
    ]
    return Board(dataset, split, metric, images, sorted(judged, key=_place))


def _place(row: Row) -> tuple[float, float, int, str]:
    return -row.score, row.latency_ms or 0.0, row.size_bytes, row.model


def _beats(one: Row, other: Row) -> bool:
    """Tell whether one is as good in everything that is known of both, and better in something. Ties beat nobody."""
    pairs = [(one.score, other.score), (-one.size_bytes, -other.size_bytes)]
    if one.latency_ms is not None and other.latency_ms is not None:
        pairs.append((-one.latency_ms, -other.latency_ms))
    return all(own >= its for own, its in pairs) and any(own > its for own, its in pairs)


def columns(board: Board) -> tuple[str, ...]:
    """Return the titles of what ``cells`` has."""
    return ("model", "form", metrics.title(board.metric), "95 %", "latency", "size", "parameters", "front")


def cells(board: Board, row: Row) -> tuple[str, ...]:
    """Write a row; a score whose interval holds the best one has a ``=``."""
    ends = "" if row.interval is None else "..".join(metrics.digits(board.metric, end) for end in row.interval)
    return (
        row.model,
        row.form,
        metrics.digits(board.metric, row.score) + (" =" if row.reaches_best else ""),
        ends,
        "-" if row.latency_ms is None else f"{row.latency_ms * 1e3:,.0f} µs",
        f"{row.size_bytes / 1e3:,.0f} kB",
        f"{row.parameters:,}",
        "front" if row.front else "",
    )


def as_markdown(board: Board) -> str:
    """Return a board as a table of Markdown."""
    rows = ([markdown(cell) for cell in cells(board, row)] for row in board.rows)
    return markdown_table(columns(board), rows, left=2)


def as_csv(boards: Iterable[Board]) -> str:
    """Return boards as one CSV, a line for each model, with all digits."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(CSV_COLUMNS)
    for board in boards:
        for row in board.rows:
            low, high = row.interval or ("", "")
            latency = "" if row.latency_ms is None else row.latency_ms
            figures = (row.score, low, high, latency, row.size_bytes, row.parameters, row.front, row.reaches_best)
            measured = (board.dataset, board.split, board.images, board.metric)
            table.writerow(csv_text((*measured, row.model, row.form, *figures)))
    return text.getvalue()
