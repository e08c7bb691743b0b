"""The maps of every layer for an image or two, of one file, or of two under each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edgecnn.insight.graph import Layer
from edgecnn.report.inside import ink, tiles

COLUMNS = 16
WIDTH, LABEL, SPACE = ink.WIDTH, 0.2, 0.08  # inches
STRIP = 0.12  # the height of a layer without width and height
IMAGES = 0.02  # of the width: the space between what belongs to two images
COLORS = "viridis"
BRIGHTEST = 99.7  # percent of the values shown that the scale reaches over: a single bright pixel leaves the rest dark

Values = Mapping[str, NDArray[np.float32]]  # (N, C, H, W) or (N, D) by the name of the layer's value


@dataclass(frozen=True, eq=False)
class File:
    """What the layers of one file hand on for the images, and what it is called."""

    name: str
    values: Values


def shown(layers: Sequence[Layer], values: Values) -> list[Layer]:
    """Return the layers whose maps say something: all but those that prepare the image or only move numbers, and those
    that begin with a transposition: in files from Keras, channels are no longer first after it."""
    said = (one for one in layers if not one.is_layout and not one.prepares and one.operator != "Transpose")
    return [one for one in said if one.name in values]


def chosen(maps_nchw: NDArray[np.float32], most: int = COLUMNS) -> NDArray[np.int64]:
    """Return which channels are shown: those that vary most over the images, in order of their place."""
    spread_c = maps_nchw.std(axis=(2, 3)).max(axis=0)
    return np.sort(np.argsort(-spread_c, kind="stable")[:most])


def is_map(values: NDArray[np.float32]) -> bool:
    """Tell maps from vectors, and from maps of one pixel, which are as good as vectors."""
    return values.ndim == 4 and values.shape[2] * values.shape[3] > 1


def draw(images_nhwc: NDArray[np.uint8], layers: Sequence[Layer], files: Sequence[File]) -> Figure:
    """Draw the images, and under them a row for each layer; of two files, a row of each under the other, with the same
    channels and the same scale."""
    kept, count = shown(layers, files[0].values), len(images_nhwc)
    heights = [LABEL + len(files) * _height(files[0].values[layer.name], count) for layer in kept]
    image = WIDTH / COLUMNS * 2
    total = image + SPACE + sum(heights) + SPACE * len(heights)
    figure = ink.figure(WIDTH, total)
    _images(figure, images_nhwc, image, [file.name for file in files])
    top = total - image - SPACE
    for layer, height in zip(kept, heights, strict=True):
        values = [file.values[layer.name] for file in files if layer.name in file.values]
        figure.text(0, top / total, _said(layer, values[0]), fontsize=ink.LETTERS, color=ink.INK, va="top")
        _rows(figure, values, (top - LABEL) / total)
        top -= height + SPACE
    return figure


def _height(values: NDArray[np.float32], images: int) -> float:
    """Return the height of one row in inches."""
    if not is_map(values):
        return STRIP
    height, width = values.shape[2:]
    return float(_width(images) * WIDTH / _columns(images) * height / width)


def _columns(images: int) -> int:
    return COLUMNS // images


def _width(images: int) -> float:
    """Return the share of the width that belongs to one image."""
    return (1 - IMAGES * (images - 1)) / images


def _images(figure: Figure, images_nhwc: NDArray[np.uint8], height: float, names: Sequence[str]) -> None:
    share, count = height / figure.get_figheight(), len(images_nhwc)
    for place, image_hwc in enumerate(images_nhwc):
        axes = figure.add_axes((place * (_width(count) + IMAGES), 1 - share, height / WIDTH, share))
        tiles.show(axes, tiles.opaque(image_hwc))
    if len(names) > 1:
        text = f"above {names[0]}, below {names[1]}"
        figure.text(height / WIDTH + 0.015, 1 - share / 2, text, fontsize=ink.LETTERS, color=ink.INK, va="center")


def _rows(figure: Figure, files: Sequence[NDArray[np.float32]], top: float) -> None:
    """Draw a row for each file below ``top``, a share of the height, all in one scale."""
    first, count = files[0], len(files[0])
    height = _height(first, count) / figure.get_figheight()
    if is_map(first):
        places = chosen(first, _columns(count))
        drawn = [values[:, places] for values in files]
    else:
        drawn = [values.reshape(count, 1, 1, -1) for values in files]
    every = np.concatenate([one.ravel() for one in drawn])
    low, high = float(every.min()), float(np.percentile(every, BRIGHTEST) if is_map(first) else every.max())
    for number, values in enumerate(drawn):
        for place, maps_chw in enumerate(values):
            left, bottom = place * (_width(count) + IMAGES), top - (number + 1) * height
            pictures = [tiles.colored(one, low, high, COLORS) for one in maps_chw]
            share = len(pictures) / _columns(count) if is_map(first) else min(1.0, max(0.3, first[0].size / 128))
            axes = figure.add_axes((left, bottom, share * _width(count), height * (0.95 if is_map(first) else 0.85)))
            tiles.show(axes, tiles.sheet(pictures, len(pictures), gap=0.06))
            axes.set_aspect("equal" if is_map(first) else "auto")


def _said(layer: Layer, values: NDArray[np.float32]) -> str:
    if not is_map(values):
        return f"{layer.index} {layer.title} · {values[0].size} numbers"
    images, channels, height, width = values.shape
    most = _columns(images)
    of = f"{channels} maps" if channels <= most else f"{most} of {channels} maps"
    return f"{layer.index} {layer.title} · {of} of {height}x{width}"
