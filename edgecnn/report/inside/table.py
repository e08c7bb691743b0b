"""The layer table as a picture: what each layer gives, holds, computes and takes of the time, as bars beside each
other."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from edgecnn.insight.layers import Row
from edgecnn.insight.times import Times
from edgecnn.report.inside import ink
from edgecnn.text import shortened

WIDTH, ROW, HEAD = ink.WIDTH, 0.22, 0.32  # inches
INDEX, NAMES, SHAPES = 0.035, 0.31, 0.15  # of the width
LONGEST = 34
MOST = 48  # layers that are drawn
LEAST_SHARE = 0.01  # of the time, for a layer without weights to be drawn among so many


def shape_of(row: Row) -> str:
    """Write the shape of what a layer gives for one view of one image."""
    return " x ".join(str(side) for side in row.output_shape[1:]) or "1"


def drawn(rows: Sequence[Row], times: Times | None) -> list[Row]:
    """Return the layers that are drawn: all, or of very many those that compute most."""
    if len(rows) <= MOST:
        return list(rows)
    shares = [times.layers[row.index].share if times else 0.0 for row in rows]
    kept = [row for row, share in zip(rows, shares, strict=True) if row.macs or share >= LEAST_SHARE]
    most = sorted(kept, key=lambda row: -(row.macs or 0))[:MOST]
    return sorted(most, key=lambda row: row.index)


def draw(rows: Sequence[Row], times: Times | None) -> Figure:
    """Draw the table, with the measured share of the time where it is known."""
    rows = drawn(rows, times)
    shares = [times.layers[row.index].share for row in rows] if times else None
    columns: list[tuple[str, list[float], Callable[[float], str]]] = [
        ("parameters", [row.parameters for row in rows], _count),
        ("MB", [row.weight_bytes / 1e6 for row in rows], _megabytes),
        ("multiply-adds", [row.macs or 0 for row in rows], _count),
    ]
    if shares is not None:
        columns.append(("time", shares, lambda value: f"{value:.1%}" if value >= 0.0005 else ""))
    figure = ink.figure(WIDTH, HEAD + ROW * len(rows))
    height = ROW * len(rows) / figure.get_figheight()
    _texts(figure, rows, height)
    width = (1 - NAMES - SHAPES) / len(columns)
    for number, (title, values, write) in enumerate(columns):
        axes = figure.add_axes((NAMES + SHAPES + number * width, 0, width - 0.012, height))
        _bars(ink.bare(axes), title, values, write)
    return figure


def _texts(figure: Figure, rows: Sequence[Row], height: float) -> None:
    axes = ink.bare(figure.add_axes((0, 0, NAMES + SHAPES, height)))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, NAMES + SHAPES)
    for place, row in enumerate(rows):
        axes.text(INDEX - 0.01, place, f"{row.index}", fontsize=ink.SMALL, color=ink.INK, va="center", ha="right")
        axes.text(INDEX, place, shortened(row.title, LONGEST), fontsize=ink.SMALL, color=ink.INK, va="center")
        axes.text(
            NAMES + SHAPES - 0.02, place, shape_of(row), fontsize=ink.SMALL, color=ink.INK, va="center", ha="right"
        )
    axes.text(INDEX, -0.9, "layer", fontsize=ink.SMALL, color=ink.INK, fontweight="bold")
    axes.text(NAMES + SHAPES - 0.02, -0.9, "output", fontsize=ink.SMALL, color=ink.INK, fontweight="bold", ha="right")


def _bars(axes: Axes, title: str, values: Sequence[float], write: Callable[[float], str]) -> None:
    top = max(values) or 1.0
    axes.set_xlim(0, top * 1.75)
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.barh(range(len(values)), values, height=0.62, color=ink.CANDIDATE, alpha=0.8)
    for place, value in enumerate(values):
        axes.text(value + top * 0.04, place, write(value), fontsize=ink.SMALL - 0.5, color=ink.INK, va="center")
    axes.text(0, -0.9, title, fontsize=ink.SMALL, color=ink.INK, fontweight="bold")


def _megabytes(value: float) -> str:
    """Write megabytes to three digits.

    >>> _megabytes(0.000384), _megabytes(1.32864), _megabytes(0)
    ('0.00038', '1.33', '')
    """
    return (f"{value:.5f}" if value < 0.001 else f"{value:.3g}") if value else ""


def _count(value: float) -> str:
    """Write a count shortly.

    >>> _count(812), _count(14_800), _count(199_065_600)
    ('812', '14.8k', '199M')
    """
    for unit, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= factor:
            return f"{value / factor:.3g}{unit}"
    return f"{value:.0f}" if value else ""
