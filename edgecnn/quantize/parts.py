"""The parts of a network that can be left in float each for itself, and what their integers cost.

A part is a layer (``edgecnn.insight``) with what only moves its values; of a pyramid, the same layer at all levels, as
these share their weights. Its cost is looked at in two ways, on training images: the ratio of signal to noise in what
it hands on where all of the network is in integers, as ``edgecnn audit`` has it, and that at the end of the network
where it alone is. There only what the answers hang on is looked at: of a detector the scores, since coordinates that
are off by a pixel change no answer, and would outweigh them.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgecnn.insight import graph, noise
from edgecnn.insight.activations import Probe
from edgecnn.insight.graph import LAYOUT, Layer, Network
from edgecnn.onnx_file import LEVEL
from edgecnn.quantize.forms._quantizer import PreparedStatic

Decisive = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # of values (images, …)

MOVES = LAYOUT | {"MaxPool", "Resize", "Relu", "Clip"}  # integers in, integers of that scale out
LEAST_SIGNAL = 1e-30  # of a network that answers nothing at all, whose noise is to stay a number


@dataclass(frozen=True)
class Part:
    """The nodes of one layer, or of one at every level. ``values`` are what they hand on."""

    name: str
    title: str
    nodes: tuple[str, ...]
    values: tuple[str, ...]
    has_weights: bool


class Costs:
    """What the integers of a static form cost on a few images.

    ``decisive`` says what counts of the values that the network ends with (``Yardstick.decisive``).
    """

    def __init__(self, static: PreparedStatic, images_nhwc: NDArray[np.uint8], decisive: Decisive) -> None:
        self.static, self.images_nhwc, self.decisive = static, images_nhwc, decisive
        self.network = graph.read(static.prepared)
        self.parts = parts_of(self.network, static.integers)

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
        """Return the noise over the signal in what decides at the end, as powers, where some parts are float."""
        candidate = graph.read(self.static.form(nodes_of(floats)))
        noise_k = self._at_end(candidate) - self._signal_k
        return float(noise_k @ noise_k) / max(float(self._signal_k @ self._signal_k), LEAST_SIGNAL)

    @cached_property
    def _signal_k(self) -> NDArray[np.float64]:
        return self._at_end(self.network)

    def _at_end(self, network: Network) -> NDArray[np.float64]:
        """Return what decides, of all ends of a network, in the order in which the float file has these."""
        known = {layer.name: layer.value for layer in network.layers}
        ends = [known.get(layer.name, layer.value) for layer in self.network.last_weighted]
        found = Probe(network, ends).joined(self.images_nhwc)
        return np.concatenate([self.decisive(found[end.name]).ravel() for end in ends]).astype(np.float64)


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
            any(layer.has_weights for layer in layers),
        )
        for key, layers in known.items()
    ]


def nodes_of(parts: Iterable[Part]) -> set[str]:
    """Return the names of all their nodes."""
    return {node for part in parts for node in part.nodes}


def neighbors(network: Network, parts: Iterable[Part]) -> dict[Part, list[Part]]:
    """Return the parts that hand a value to each part or take one from it, in order of computation.

    What lies between a layer in float and one in integers is still rounded to integers, so that a part without weights
    gains by float only where all of these are in float too.
    """
    parts = list(parts)
    owners = {tensor: part for part in parts for node in part.nodes for tensor in network.nodes[node].output}
    taken = {part: [owners.get(name) for node in part.nodes for name in network.nodes[node].input] for part in parts}
    return {
        part: [other for other in parts if other != part and (other in taken[part] or part in taken[other])]
        for part in parts
    }


def _without_level(node: str) -> str:
    return re.sub(rf"^{LEVEL}\d+_", "", node)
