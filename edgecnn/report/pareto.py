"""The picture of a leaderboard: scores against latency and against size, with the front that nothing beats."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from edgecnn import metrics
from edgecnn.report import names, style
from edgecnn.report.ranking import Board, Row
from edgecnn.text import shortened

MOST_NAMED, LONGEST = 16, 24  # of more models, those on the front are named
LOW = 6  # models that a picture has no need to be high for


@dataclass(frozen=True)
class Others:
    """Models of a board that are not as the rest: what others ``published`` are squares, what was there ``before`` and
    has been replaced is gray."""

    published: Collection[str] = ()
    before: Collection[str] = ()


def draw(board: Board, marked: str | None = None, *, others: Others = Others()) -> Figure:
    """Draw a board; ``marked`` is a model whose points and name stand out."""
    timed = [row for row in board.rows if row.latency_ms is not None]
    panels: list[tuple[str, Sequence[Row], Callable[[Row], float]]] = [
        ("size in kB", board.rows, lambda row: row.size_bytes / 1e3)
    ]
    if timed:
        panels.insert(0, ("latency of one image in µs", timed, lambda row: 1e3 * (row.latency_ms or 0)))
    picture = style.new(height=3.4 if len(board.rows) <= LOW else 4.6)
    scale = 1.0 if board.metric == "f1" else 100.0
    every = picture.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    every[0].set_ylabel(metrics.title(board.metric) + ("" if scale == 1 else ", %"))
    for axes, (title, rows, across) in zip(every, panels, strict=True):
        _draw(axes, rows, across, scale, marked, others)
        axes.set_xlabel(f"{title} (left is better)")
    _explain(picture, board, others)
    style.laid_out(picture)  # names are placed by where points are
    for axes, (_, rows, across) in zip(every, panels, strict=True):
        _name(axes, rows, [(across(row), scale * row.score) for row in rows], marked)
    return picture


def _explain(picture: Figure, board: Board, others: Others) -> None:
    """Say what points and lines are; those that are filled are not told by their color."""
    shown = {"front": _point(style.MODEL)}
    if others.published:
        shown["published by others"] = _point("none", "s")
    if others.before:
        shown["before"] = _point("none", color=style.MUTED)
    if not all(row.front for row in board.rows):
        shown["beaten by another"] = _point("none")
    if any(row.interval is not None for row in board.rows):
        shown["95 % interval"] = Line2D([], [], color=style.MUTED, marker="|", linestyle="none", markersize=9)
    if len(board.rows) > 1:
        shown["best score up to here"] = Line2D([], [], color=style.MODEL, linewidth=1, alpha=0.6)
    picture.legend(list(shown.values()), list(shown), loc="outside upper right", ncols=len(shown), fontsize=8)


def _point(inside: str, marker: str = "o", color: str = style.MODEL) -> Line2D:
    return Line2D([], [], color=color, marker=marker, linestyle="none", markersize=6, markerfacecolor=inside)


def _draw(
    axes: Axes,
    rows: Sequence[Row],
    across: Callable[[Row], float],
    scale: float,
    marked: str | None,
    others: Others,
) -> None:
    axes.set_xscale("log")
    for row in rows:
        color = style.MUTED if row.model in others.before else style.MODEL
        color = style.REFERENCE if row.model == marked else color
        if row.interval is not None:
            reach = [[scale * (row.score - row.interval[0])], [scale * (row.interval[1] - row.score)]]
            axes.errorbar(across(row), scale * row.score, reach, ecolor=style.MUTED, elinewidth=0.8, fmt="none")
        inside = color if row.front else "none"
        shape = "s" if row.model in others.published else "o"
        axes.plot(across(row), scale * row.score, shape, color=color, markerfacecolor=inside, markersize=6)
    points = [(across(row), scale * row.score) for row in rows]
    _step(axes, points)
    least, most = min(x for x, _ in points), max(x for x, _ in points)
    spread = max(most / least, 1.5)
    axes.set_xlim(least / spread**0.15, most * spread**0.5)  # names stand to the right
    axes.margins(y=0.12)
    axes.autoscale_view(scalex=False)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    style.grid(axes)


def _step(axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    """Draw the best score that so little latency or size has brought."""
    found: list[tuple[float, float]] = []
    for across, score in sorted(points, key=lambda point: (point[0], -point[1])):
        if not found or score > found[-1][1]:
            found.append((across, score))
    axes.plot(*zip(*found, strict=True), drawstyle="steps-post", color=style.MODEL, linewidth=1, alpha=0.6)


def _name(axes: Axes, rows: Sequence[Row], points: Sequence[tuple[float, float]], marked: str | None) -> None:
    """Write names beside points; of too many models, beside those on the front."""
    named = [len(rows) <= MOST_NAMED or row.front or row.model == marked for row in rows]
    names.write(
        axes,
        [
            names.Named(point, shortened(row.model, LONGEST), row.model == marked)
            for row, point, has_name in zip(rows, points, named, strict=True)
            if has_name
        ],
        [point for point, has_name in zip(points, named, strict=True) if not has_name],
    )
