"""The maps of every layer for one image, of one file, or of two side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edgecnn.insight.graph import Layer
from edgecnn.report.inside import ink, tiles

COLUMNS = 16
WIDTH, LABEL, SPACE = 7.2, 0.18, 0.08  # inches
STRIP = 0.12  # the height of a layer without width and height
COLORS = "viridis"
BRIGHTEST = 99.7  # percent of the values shown that the scale reaches over: a single bright pixel leaves the rest dark

Values = Mapping[str, NDArray[np.float32]]  # one image: (C, H, W) or (D,) by the name of the layer's value


def shown(layers: Sequence[Layer], values: Values) -> list[Layer]:
    """Return the layers whose maps say something: all but those that prepare the image or only move numbers."""
    return [one for one in layers if not one.is_layout and not one.prepares and one.name in values]


def chosen(maps: NDArray[np.float32], most: int = COLUMNS) -> NDArray[np.int64]:
    """Return which channels are shown: those that vary most over the image, in order of their place."""
    spread_c = maps.reshape(len(maps), -1).std(axis=1)
    return np.sort(np.argsort(-spread_c, kind="stable")[:most])


def flat(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return maps of one pixel as the numbers that they are."""
    return values.reshape(-1) if values.ndim != 3 or values.shape[1] * values.shape[2] == 1 else values


def draw(image_hwc: NDArray[np.uint8], layers: Sequence[Layer], files: Sequence[tuple[str, Values]]) -> Figure:
    """Draw the image, and a row for each layer; of two files (name and values), a row of each under the other, with the
    same channels and the same scale."""
    files = [(name, {one: flat(array) for one, array in values.items()}) for name, values in files]
    kept = shown(layers, files[0][1])
    heights = [_height(files[0][1][layer.name], len(files)) for layer in kept]
    image_height = WIDTH / COLUMNS * 2
    total = image_height + sum(heights) + SPACE * len(heights)
    figure = ink.figure(WIDTH, total)
    _image(figure, image_hwc, image_height, [name for name, _ in files])
    top = total - image_height - SPACE
    for layer, height in zip(kept, heights, strict=True):
        _row(figure, layer, [values[layer.name] for _, values in files if layer.name in values], top, total)
        top -= height + SPACE
    return figure


def _height(values: NDArray[np.float32], files: int) -> float:
    one = WIDTH / COLUMNS * values.shape[1] / max(values.shape[2], 1) if values.ndim == 3 else STRIP
    return LABEL + files * one


def _image(figure: Figure, image_hwc: NDArray[np.uint8], height: float, names: Sequence[str]) -> None:
    share = height / figure.get_figheight()
    axes = figure.add_axes((0, 1 - share, height / WIDTH, share))
    tiles.show(axes, tiles.opaque(image_hwc))
    text = "" if len(names) < 2 else f"in each block: {names[0]} above, {names[1]} below"
    figure.text(height / WIDTH + 0.02, 1 - share / 2, text, fontsize=ink.LETTERS, color=ink.INK, va="center")


def _row(figure: Figure, layer: Layer, files: Sequence[NDArray[np.float32]], top: float, total: float) -> None:
    first = files[0]
    figure.text(0, top / total, _said(layer, first), fontsize=ink.LETTERS, color=ink.INK, va="top")
    places = chosen(first) if first.ndim == 3 else np.arange(first.size)
    drawn = np.concatenate([one[places].ravel() for one in files])
    low, high = float(drawn.min()), float(np.percentile(drawn, BRIGHTEST) if first.ndim == 3 else drawn.max())
    height = (_height(first, 1) - LABEL) / total
    for number, values in enumerate(files):
        bottom = (top - LABEL) / total - (number + 1) * height
        if first.ndim == 3:
            pictures = [tiles.colored(values[place], low, high, COLORS) for place in places]
            picture = tiles.sheet(pictures, len(pictures), gap=0.06)
            width = len(pictures) / COLUMNS
            axes = figure.add_axes((0, bottom, width, height * 0.95))
        else:
            picture = tiles.colored(values.reshape(1, -1), low, high, COLORS)
            width = 1.0
            axes = figure.add_axes((0, bottom, min(1.0, max(0.25, first.size / 128)), height * 0.8))
        tiles.show(axes, picture)
        if first.ndim != 3:
            axes.set_aspect("auto")


def _said(layer: Layer, values: NDArray[np.float32]) -> str:
    if values.ndim != 3:
        return f"{layer.index} {layer.title} · {values.size} numbers"
    channels, height, width = values.shape
    of = f"{channels} maps" if channels <= COLUMNS else f"{COLUMNS} of {channels} maps"
    return f"{layer.index} {layer.title} · {of} of {height}x{width}"
