"""What really ran: the kernels of a session and how they hang together, in the graph that ONNX Runtime made of a file.

Operators are joined, put into another precision or layout, and others are put between them. The graph that is run is
written by the session, with the names that its profile has, so that each kernel's time, type and neighbors are known.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import onnx
from onnx import TensorProto

from edgecnn.insight import times
from edgecnn.insight.graph import Network
from edgecnn.saturation import FLOAT_PRODUCTS, PRODUCTS

BLOCKED = "com.microsoft.nchwc"  # the domain of kernels that take channels in blocks
REORDERS = ("ReorderInput", "ReorderOutput")
QUANTIZERS = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
EIGHT_BITS = ("uint8", "int8")
TYPES = {"float": "float32", "double": "float64"}  # the runtime's words


@dataclass(frozen=True)
class Kernel:
    """One kernel, for one image. ``layer`` is the layer of the file that it belongs to, by its place and name.

    ``precision`` is int8 for 8-bit integers of either sign, ``weight_type`` the type in which a product has its
    weights. ``inserted`` says that the file has no such node; ``before`` are the kernels whose values it takes.
    ``snr_db`` and ``fall_db`` are of what the layer hands on, at the kernel that computes it, where there is a
    reference.
    """

    index: int
    name: str
    operator: str
    domain: str
    layer: int | None
    layer_title: str
    layer_name: str
    precision: str
    output_shape: list[int]
    inserted: bool
    before: list[int]
    takes_input: bool
    gives_output: bool
    weight_type: str
    microseconds: float
    share: float
    snr_db: float | None = None
    fall_db: float | None = None

    @property
    def node(self) -> str:
        """The name in the file of what it computes: its own, or that of the layer that it belongs to."""
        return self.name if not self.inserted else self.layer_name or self.name

    @property
    def is_product(self) -> bool:
        """Whether it multiplies by weights."""
        return self.operator in times.HEAVY

    @property
    def is_convolution(self) -> bool:
        """Whether it convolves."""
        return self.is_product and "Conv" in self.operator

    @property
    def is_quantizer(self) -> bool:
        """Whether it only turns floats into integers, or back."""
        return self.operator in QUANTIZERS

    @property
    def is_layout(self) -> bool:
        """Whether the runtime put it in to change a layout."""
        return self.operator in REORDERS or (self.inserted and self.operator == "Transpose")


@dataclass(frozen=True, eq=False)
class Ran:
    """All kernels in the order in which they ran. ``linked`` says whether it is known how they hang together.

    ``weights`` are the shapes in which kernels have their weights, by the kernel's index.
    """

    kernels: list[Kernel]
    weights: dict[int, tuple[int, ...]]
    linked: bool
    provider: str
    threads: int
    exact_int8: bool

    @cached_property
    def after(self) -> list[list[int]]:
        """For each kernel those that take its values."""
        found: list[list[int]] = [[] for _ in self.kernels]
        for kernel in self.kernels:
            for index in kernel.before:
                found[index].append(kernel.index)
        return found

    @property
    def microseconds(self) -> float:
        """The time of all kernels."""
        return sum(kernel.microseconds for kernel in self.kernels)

    def share(self, indices: Iterable[int]) -> float:
        """Return the share of the time that some kernels take."""
        return sum(self.kernels[index].share for index in set(indices))

    def upstream(self, index: int) -> set[int]:
        """Return all kernels that one depends on."""
        return _reached(index, [kernel.before for kernel in self.kernels])

    def downstream(self, index: int) -> set[int]:
        """Return all kernels that depend on one."""
        return _reached(index, self.after)

    def is_between_convolutions(self, index: int) -> bool:
        """Tell whether a kernel depends on a convolution, and another one on it."""
        sides = (self.upstream(index), self.downstream(index))
        return all(any(self.kernels[one].is_convolution for one in side) for side in sides)

    def names(self, indices: Iterable[int]) -> list[str]:
        """Return the names in the file of what some kernels compute, each once, in order."""
        return list(dict.fromkeys(self.kernels[index].node for index in sorted(set(indices))))


def ran(network: Network, profile: times.Profile, optimized: Path) -> Ran:
    """Join a profile with the graph that its session wrote, where it wrote one."""
    made = onnx.load(optimized).graph if optimized.exists() else onnx.GraphProto()
    nodes = {node.name: node for node in made.node}
    linked = bool(nodes) and all(kernel.name in nodes for kernel in profile.kernels)
    found = [nodes[kernel.name] if linked else onnx.NodeProto() for kernel in profile.kernels]
    makers = {name: index for index, node in enumerate(found) for name in node.output}
    total = sum(kernel.microseconds for kernel in profile.kernels) or 1.0
    places = times.assigned(network, profile.kernels)
    tensors = {tensor.name: tensor for tensor in made.initializer}
    weights = {index: one for index, node in enumerate(found) if (one := _weights(node, tensors)) is not None}
    types = {index: TensorProto.DataType.Name(tensor.data_type).lower() for index, tensor in weights.items()}
    kernels = [
        _kernel(network, index, kernel, node, place, makers, _typed(types.get(index, "")), total)
        for index, (kernel, node, place) in enumerate(zip(profile.kernels, found, places, strict=True))
    ]
    shapes = {index: tuple(tensor.dims) for index, tensor in weights.items()}
    return Ran(kernels, shapes, linked, profile.provider, profile.threads, profile.exact_int8)


def _kernel(
    network: Network,
    index: int,
    kernel: times.Kernel,
    node: onnx.NodeProto,
    place: int | None,
    makers: dict[str, int],
    weight_type: str,
    total: float,
) -> Kernel:
    layer = None if place is None else network.layers[place]
    inputs, outputs = network.model.graph.input, network.model.graph.output
    return Kernel(
        index=index,
        name=kernel.name,
        operator=kernel.operator,
        domain=node.domain,
        layer=place,
        layer_title="" if layer is None else layer.title,
        layer_name="" if layer is None else layer.nodes[0],
        precision=_precision(kernel),
        output_shape=list(kernel.given[0][1]) if kernel.given else [],
        inserted=kernel.name not in network.nodes,
        before=sorted({makers[name] for name in node.input if name in makers}),
        takes_input=any(entry.name in node.input for entry in inputs),
        gives_output=any(entry.name in node.output for entry in outputs),
        weight_type=weight_type,
        microseconds=kernel.microseconds,
        share=kernel.microseconds / total,
    )


def joined(rounds: Sequence[Ran]) -> Ran:
    """Return what ran with the least time of each kernel over rounds, each a session of its own: what else the machine
    does only adds."""
    first = rounds[0]
    by_name = [{kernel.name: kernel.microseconds for kernel in one.kernels} for one in rounds]
    least = [min(found[kernel.name] for found in by_name if kernel.name in found) for kernel in first.kernels]
    total = sum(least) or 1.0
    kernels = [
        replace(kernel, microseconds=taken, share=taken / total)
        for kernel, taken in zip(first.kernels, least, strict=True)
    ]
    return replace(first, kernels=kernels)


def _precision(kernel: times.Kernel) -> str:
    """Return what a kernel computes in: the type of what it takes first, or that of its integers."""
    if kernel.operator in PRODUCTS and kernel.operator not in FLOAT_PRODUCTS:
        return "int8"
    found = kernel.taken[0][0] if kernel.taken else (kernel.given[0][0] if kernel.given else "")
    return "int8" if found in EIGHT_BITS else _typed(found)


def _typed(name: str) -> str:
    return TYPES.get(name, name)


def _weights(node: onnx.NodeProto, tensors: dict[str, TensorProto]) -> TensorProto | None:
    """Return a product's weights as the kernel has them."""
    if node.op_type not in times.HEAVY:
        return None
    slot = PRODUCTS[node.op_type][1] if node.op_type in PRODUCTS else 1
    return tensors.get(node.input[slot]) if len(node.input) > slot else None


def _reached(start: int, links: Sequence[Sequence[int]]) -> set[int]:
    found: set[int] = set()
    waiting = list(links[start])
    while waiting:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            waiting.extend(links[index])
    return found
