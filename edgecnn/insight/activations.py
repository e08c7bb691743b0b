"""What the layers of a network hand on for given images: intermediate values, asked of the runtime as outputs.

Integers are brought back by their scale, so that the values of a quantized file stand beside those of the float32 one.
Images go through in batches of bounded memory. A network that looks at several views of an image, as at its mirror
image, has several rows for each; the first view is the image as it is.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from edgecnn.insight.graph import Layer, Network, Value
from edgecnn.insight.layers import value_shapes
from edgecnn.runtime.session import OpenModel, open_model

BUDGET_BYTES = 64_000_000  # of the values of one batch
LARGEST_BATCH = 256

Values = dict[str, NDArray[np.float32]]  # by the name of the value; the first axis is images
Keep = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # views_vn… -> what is kept of them, images first


def first_view(views_vn: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keep what belongs to the images as they are."""
    found: NDArray[np.float32] = views_vn[0]
    return found


class Probe:
    """A network that is opened with chosen values as its outputs."""

    def __init__(
        self, network: Network, values: Sequence[Value], *, provider: str = "cpu", threads: int | None = None
    ) -> None:
        """Open it. Raises ModelError for a graph that does not run, ProviderError where the provider is not there."""
        self.network = network
        self.values = {value.name: value for value in values}
        self._opened = _opened(network, self.values.values(), provider, threads)
        self._axes = _image_axes(network)
        self.batch = _batch(network, list(self.values))

    def run(self, images_nhwc: NDArray[np.uint8], keep: Keep = first_view) -> Iterator[tuple[slice, Values]]:
        """Yield what is kept of the values of one batch after the other, with the place of its images."""
        for start in range(0, len(images_nhwc), self.batch):
            part = images_nhwc[start : start + self.batch]
            yield slice(start, start + len(part)), self.of(part, keep)

    def of(self, images_nhwc: NDArray[np.uint8], keep: Keep = first_view) -> Values:
        """Return what is kept of the values of a few images, at once."""
        fixed, count = self.network.input.batch, len(images_nhwc)
        if fixed and count < fixed:
            images_nhwc = np.concatenate([images_nhwc, np.repeat(images_nhwc[-1:], fixed - count, axis=0)])
        tensors = [value.tensor for value in self.values.values()]
        found = self._opened.run(tensors, {self.network.input.name: self.network.input.of_pixels(images_nhwc)})
        kept = {}
        for (name, value), array in zip(self.values.items(), found, strict=True):
            views_vn = _views(value.real(array), self._axes.get(name, 0), len(images_nhwc))
            kept[name] = keep(views_vn)[:count]
        return kept

    def joined(self, images_nhwc: NDArray[np.uint8], keep: Keep = first_view) -> Values:
        """Return what is kept of each value of any number of images."""
        parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in self.values}
        for _, values in self.run(images_nhwc, keep):
            for name, array in values.items():
                parts[name].append(array)
        return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def activations(network: Network, images_nhwc: NDArray[np.uint8], layers: Sequence[Layer] | None = None) -> Values:
    """Return the values that layers, by default all, hand on for images as they are.

    All of it is held in memory: choose the images, or reduce the values by a ``Probe``. Raises ModelError.
    """
    chosen = network.layers if layers is None else layers
    return Probe(network, [layer.value for layer in chosen]).joined(images_nhwc)


def _opened(network: Network, values: Any, provider: str, threads: int | None) -> OpenModel:
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    there = {entry.name for entry in model.graph.output}
    wanted = dict.fromkeys(value.tensor for value in values if value.tensor not in there)
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted)
    opened = open_model(model.SerializeToString(), provider=provider, thread_count=threads)
    return replace(opened, name=network.name)


def _image_axes(network: Network) -> dict[str, int | None]:
    """Return which axis of each value counts images: the one that grows with their number, the first where that is not
    known; None for a value that is the same for all."""
    if network.input.batch:
        return {}
    one, two = (value_shapes(network, images) for images in (1, 2))
    axes: dict[str, int | None] = {}
    for name, sides in one.items():
        others = two.get(name, ())
        if len(sides) == len(others) and all(isinstance(side, int) for side in (*sides, *others)):
            axes[name] = next(
                (axis for axis, pair in enumerate(zip(sides, others, strict=True)) if len({*pair}) > 1), None
            )
    return axes


def _views(values: NDArray[np.float32], axis: int | None, fed: int) -> NDArray[np.float32]:
    """Return values as (views, images, …)."""
    if axis is None or not values.ndim or not values.shape[axis] or values.shape[axis] % fed:
        return np.repeat(values[None], fed, axis=0)[None]
    moved = np.moveaxis(values, axis, 0)
    return moved.reshape(len(moved) // fed, fed, *moved.shape[1:])


def _batch(network: Network, names: Sequence[str]) -> int:
    """Return how many images at once stay within the budget."""
    if network.input.batch:
        return network.input.batch
    if network.one_by_one:
        return 1
    shapes = value_shapes(network)
    sizes = [math.prod(side for side in shapes.get(name, ()) if isinstance(side, int)) for name in names]
    return max(1, min(LARGEST_BATCH, BUDGET_BYTES // max(1, 4 * sum(sizes))))
