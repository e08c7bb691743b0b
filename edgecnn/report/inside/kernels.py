"""The kernels of each convolution: what it looks for in colors, or in the maps before it."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edgecnn.insight.weights import Weights
from edgecnn.report.inside import ink, tiles
from edgecnn.report.inside.tiles import Rgba
from edgecnn.text import counted

COLUMNS = 24
ROWS = ((8, 3), (16, 2))  # how many rows of kernels so many convolutions have; more have one
WIDTH, LABEL, SPACE, MARGIN = ink.WIDTH, 0.22, 0.1, 0.05  # inches
MATRIX = (16, 128)  # rows and columns that are shown of kernels of one pixel, which are a matrix


def most_of(convolutions: int) -> int:
    """Return how many kernels of each of so many convolutions are shown."""
    return COLUMNS * next((rows for count, rows in ROWS if convolutions <= count), 1)


def chosen(layer: Weights, most: int) -> list[tuple[int, int | None]]:
    """Return which kernels are shown, the largest by norm first: (filter, None) where it is read as colors or has one
    slice, else (filter, input channel)."""
    out, channels = layer.weights_o.shape[:2]
    if channels in (1, 3):
        norms_o = np.linalg.norm(layer.weights_o.reshape(out, -1), axis=1)
        return [(int(place), None) for place in np.argsort(-norms_o, kind="stable")[:most]]
    norms_oi = np.linalg.norm(layer.weights_o, axis=(2, 3))
    order = np.argsort(-norms_oi, axis=None, kind="stable")[:most]
    return [(int(place) // channels, int(place) % channels) for place in order]


def draw(layers: Sequence[Weights]) -> Figure:
    """Draw the convolutions, a block each."""
    convolutions = [layer for layer in layers if layer.is_convolution]
    most = most_of(len(convolutions))
    sheets = [_sheet(layer, most) for layer in convolutions]
    heights = [LABEL + WIDTH * sheet.shape[0] / sheet.shape[1] * share for sheet, share in sheets]
    figure = ink.figure(WIDTH, MARGIN + sum(heights) + SPACE * len(heights))
    top = 1.0 - MARGIN / figure.get_figheight()
    for layer, (sheet, share), height in zip(convolutions, sheets, heights, strict=True):
        part = height / figure.get_figheight()
        label = LABEL / figure.get_figheight()
        axes = figure.add_axes((0, top - part, share, part - label))
        tiles.show(axes, sheet)
        figure.text(0, top, _said(layer, most), fontsize=ink.LETTERS, color=ink.INK, va="top")
        top -= part + SPACE / figure.get_figheight()
    return figure


def is_matrix(layer: Weights) -> bool:
    """Tell kernels of one pixel."""
    return layer.weights_o.shape[2:] == (1, 1)


def of_matrix(layer: Weights) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which filters and which input channels are shown of kernels of one pixel: the largest, in their order."""
    values_oi, (rows, columns) = layer.weights_o[:, :, 0, 0], MATRIX
    filters = np.argsort(-np.linalg.norm(values_oi, axis=1), kind="stable")[:rows]
    channels = np.argsort(-np.linalg.norm(values_oi, axis=0), kind="stable")[:columns]
    return np.sort(filters), np.sort(channels)


def _said(layer: Weights, most: int) -> str:
    out, channels, height, width = layer.weights_o.shape
    whole = channels in (1, 3) or is_matrix(layer)
    every, what = (out, "filter") if whole else (out * channels, "slice")
    shown = len(of_matrix(layer)[0]) if is_matrix(layer) else len(chosen(layer, most))
    which = counted(every, what) if shown == every else f"{shown} of {counted(every, what)}, the largest"
    folded = ", norm folded in" if layer.folded else ""
    return f"{layer.title} · {out} x {channels} x {height} x {width} · {which}{folded}"


def _sheet(layer: Weights, most: int) -> tuple[Rgba, float]:
    """Return the picture of a layer, and what share of the width it fills."""
    bound = float(np.abs(layer.weights_o).max()) or 1.0
    if is_matrix(layer):
        return _matrix(layer, bound)
    pictures = []
    for place, channel in chosen(layer, most):
        kernel = layer.weights_o[place]
        if channel is None and len(kernel) == 3:
            own = float(np.abs(kernel).max()) or 1.0
            pixels = np.round(127.5 * (1 + kernel.transpose(1, 2, 0) / own)).astype(np.uint8)
            pictures.append(tiles.opaque(pixels))
        else:
            pictures.append(tiles.colored(kernel[channel or 0], -bound, bound, ink.diverging()))
    columns = min(COLUMNS, len(pictures))
    if len(pictures) > COLUMNS:
        columns = math.ceil(len(pictures) / math.ceil(len(pictures) / COLUMNS))
    return tiles.sheet(pictures, columns), columns / COLUMNS


def _matrix(layer: Weights, bound: float) -> tuple[Rgba, float]:
    filters, channels = of_matrix(layer)
    picture = tiles.colored(layer.weights_o[np.ix_(filters, channels)][:, :, 0, 0], -bound, bound, ink.diverging())
    return picture, min(1.0, len(channels) / MATRIX[1])
