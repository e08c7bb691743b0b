"""The parts of a network that can be left in float each for itself, and what their integers cost.

A part is a layer (``edgecnn.insight``) with what only moves its values; of a pyramid, the same layer at all levels, as
these share their weights. Its cost is looked at in two ways, on training images: the ratio of signal to noise in what
it hands on where all of the network is in integers, as ``edgecnn audit`` has it, and that at the end of the network
where it alone is.
"""

import math
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgecnn.insight import graph, noise
from edgecnn.insight.graph import LAYOUT, Layer, Network
from edgecnn.onnx_file import LEVEL
from edgecnn.quantize.forms._quantizer import PreparedStatic

MOVES = LAYOUT | {"MaxPool", "Resize", "Relu", "Clip"}  # integers in, integers of that scale out


@dataclass(frozen=True)
class Part:
    """The nodes of one layer, or of one at every level. ``values`` are what they hand on."""

    name: str
    title: str
    nodes: tuple[str, ...]
    values: tuple[str, ...]


class Costs:
    """What the integers of a static form cost on a few images."""

    def __init__(self, static: PreparedStatic, images_nhwc: NDArray[np.uint8]) -> None:
        self.static, self.images_nhwc = static, images_nhwc
        self.network = graph.read(static.prepared)
        self.parts = parts_of(self.network, static.integers)
        self._ends = [layer.name for layer in self.network.last_weighted]

    def form(self, floats: Iterable[Part]) -> bytes:
        """Return the static form with some of its parts in float."""
        return self.static.form(nodes_of(floats)).read_bytes()

    @cached_property
    def snr_db(self) -> dict[str, float | None]:
        """The ratio in what each part hands on, by its name, where all parts are integers: the least of its levels."""
        wanted = [value for part in self.parts for value in part.values]
        rows = noise.measure(self.network, graph.read(self.static.form()), self.images_nhwc, only=wanted)
        found = {row.name: row.snr_db for row in rows if row.snr_db is not None}
        return {
            part.name: min((found[value] for value in part.values if value in found), default=None)
            for part in self.parts
        }

    def alone_db(self, part: Part) -> float | None:
        """Return the ratio at the end where one part alone is integers."""
        return in_db(self.noise([other for other in self.parts if other != part]))

    def noise(self, floats: Collection[Part]) -> float:
        """Return the noise over the signal at the end, as powers, where some parts are float."""
        candidate = graph.read(self.static.form(nodes_of(floats)))
        rows = noise.measure(self.network, candidate, self.images_nhwc, only=self._ends)
        return sum(0.0 if row.snr_db is None else 10 ** (-row.snr_db / 10) for row in rows) / max(1, len(rows))


def in_db(noise_over_signal: float) -> float | None:
    """Return a ratio of signal to noise in decibels, None where there is no noise."""
    return -10 * math.log10(noise_over_signal) if noise_over_signal > 0 else None


def parts_of(network: Network, integers: Collection[str]) -> list[Part]:
    """Return the parts that hold all of the named nodes, in order of computation."""
    known: dict[str, list[Layer]] = {}
    keys: dict[str, str] = {}
    for layer in network.layers:
        if set(layer.nodes) & set(integers):
            moves = set(layer.operators) <= MOVES
            key = (keys.get(layer.source.name) if moves else None) or _without_level(layer.nodes[0])
            keys[layer.name] = key
            known.setdefault(key, []).append(layer)
    return [
        Part(
            key,
            layers[0].title,
            tuple(node for layer in layers for node in layer.nodes if node in integers),
            tuple(layer.name for layer in layers),
        )
        for key, layers in known.items()
    ]


def nodes_of(parts: Iterable[Part]) -> set[str]:
    """Return the names of all their nodes."""
    return {node for part in parts for node in part.nodes}


def _without_level(node: str) -> str:
    return re.sub(rf"^{LEVEL}\d+_", "", node)
