"""Weights and biases by layer as histograms: of one file, or float and int8 on top of each other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edgecnn.insight.graph import NORMS, WORDS
from edgecnn.insight.weights import Weights
from edgecnn.report.inside import ink

BINS = 61
LAYERS_A_ROW = 2
COLUMNS = 2 * LAYERS_A_ROW  # weights, and biases beside them
WIDTH, HEIGHT = ink.WIDTH, 1.35  # inches, of a panel


@dataclass(frozen=True, eq=False)
class Counts:
    """A histogram of one tensor: ``counts_b`` values lie between ``edges`` b and b + 1."""

    edges: NDArray[np.float64]
    counts_b: NDArray[np.int64]


def counts(values: NDArray[np.float32], bound: float) -> Counts:
    """Count values between ``-bound`` and ``bound``, in bins of one width."""
    found, edges = np.histogram(values, bins=BINS, range=(-bound, bound))
    return Counts(edges, found)


def bound_of(*tensors: NDArray[np.float32] | None) -> float:
    """Return the largest absolute value of several tensors."""
    return max((float(np.abs(one).max()) for one in tensors if one is not None and one.size), default=0.0) or 1.0


def draw(layers: Sequence[Weights], reference: Sequence[Weights] = ()) -> Figure:
    """Draw a panel for the weights of each layer and one for its biases; a layer of the reference with the same index
    is drawn behind."""
    others = {(one.index, one.operator): one for one in reference}
    rows = math.ceil(len(layers) / LAYERS_A_ROW)
    figure = ink.figure(WIDTH, HEIGHT * rows)
    for place, layer in enumerate(layers):
        row, column = divmod(place, LAYERS_A_ROW)
        other = others.get((layer.index, layer.operator))
        for biases in (False, True) if layer.biases_o is not None else (False,):
            left = (2 * column + biases) / COLUMNS + 0.005
            box = (left, 1 - (row + 1) / rows + 0.2 / rows, 1 / COLUMNS - 0.03, 0.38 / rows)
            _panel(ink.quiet(figure.add_axes(box)), layer, other, biases)
    return figure


def _panel(axes: Axes, layer: Weights, other: Weights | None, biases: bool) -> None:
    values, behind = _values(layer, biases), None if other is None else _values(other, biases)
    bound = bound_of(values, behind)
    if behind is not None:
        _steps(axes, counts(behind, bound), ink.REFERENCE, filled=False)
    _steps(axes, counts(values, bound), ink.CANDIDATE if layer.scale_o is not None else ink.REFERENCE, filled=True)
    axes.set_xlim(-bound, bound)
    axes.set_ylim(bottom=0)
    axes.set_yticks([])
    axes.set_xticks([-bound, 0, bound], [_short(-bound), "0", _short(bound)])
    first, _, last = axes.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")
    said = _said(layer, biases)
    ink.write(axes, said[0], y=1.55, size=ink.SMALL - 0.5)
    ink.write(axes, said[1], y=1.3, size=ink.SMALL - 0.5)
    if not biases:
        ink.write(axes, f"{layer.index} {_kind(layer)}", y=1.85, size=ink.SMALL, fontweight="bold")


def _values(layer: Weights, biases: bool) -> NDArray[np.float32]:
    if not biases:
        return layer.weights_o
    return np.zeros(0, np.float32) if layer.biases_o is None else layer.biases_o


def _steps(axes: Axes, found: Counts, color: str, *, filled: bool) -> None:
    axes.stairs(found.counts_b, found.edges, color=color, fill=filled, linewidth=0.9, alpha=0.75 if filled else 1)


def _kind(layer: Weights) -> str:
    """Name the operator that has the weights."""
    return WORDS.get(layer.operator, layer.operator) if layer.operator in NORMS else layer.title.partition(" + ")[0]


def _said(layer: Weights, biases: bool) -> tuple[str, str]:
    if biases:
        return f"{layer.biases_o.size if layer.biases_o is not None else 0:,} biases", ""
    text = f"{layer.weights_o.size:,} weights"
    if layer.scale_o is None:
        return text, "norm folded in" if layer.folded else ""
    low, high = float(layer.scale_o.min()), float(layer.scale_o.max())
    return text, f"{layer.stored}, step {_short(low)}" + ("" if low == high else f" to {_short(high)}")


def _short(value: float) -> str:
    return f"{value:.2g}".replace("e-0", "e-")
