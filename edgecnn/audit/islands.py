"""Where a quantized file computes in float: what lies between a dequantizer and the quantizers behind it."""

from dataclasses import dataclass
from functools import cached_property

from edgecnn.audit.ran import Kernel, Ran
from edgecnn.insight.graph import ACTIVATIONS, Network
from edgecnn.saturation import PRODUCTS


@dataclass(frozen=True, eq=False)
class Island:
    """Kernels in float that hang together, with the quantizers at their borders and the changes of layout beside these.

    ``closed`` says that there are int8 layers before it and behind it; one that is not is the file's beginning or end.
    ``meant`` are the layers whose weights are int8 in the file, so that they were meant to run as integers.
    """

    ran: Ran
    indices: tuple[int, ...]
    closed: bool
    meant: tuple[int, ...]

    @cached_property
    def kernels(self) -> list[Kernel]:
        """The kernels, in order."""
        return [self.ran.kernels[index] for index in self.indices]

    @property
    def products(self) -> list[Kernel]:
        """Those with weights."""
        return [kernel for kernel in self.kernels if kernel.is_product]

    @property
    def activations(self) -> list[Kernel]:
        """Those that are activations by themselves."""
        return [kernel for kernel in self.kernels if kernel.operator in ACTIVATIONS]

    @property
    def inner(self) -> list[Kernel]:
        """Those that compute."""
        return [kernel for kernel in self.kernels if not (kernel.is_quantizer or kernel.is_layout)]

    @property
    def share(self) -> float:
        """The share of the time that it takes."""
        return self.ran.share(self.indices)


def islands(network: Network, ran: Ran) -> list[Island]:
    """Return everything in float of a file; nothing where the graph that ran is not known."""
    integers = {kernel.index for kernel in ran.kernels if kernel.is_product and kernel.precision == "int8"}
    if not ran.linked:
        return []
    return [_island(network, ran, part, integers) for part in _parts(ran)]


def _parts(ran: Ran) -> list[set[int]]:
    """Return the sets of float kernels that hang together by float values."""
    floats = {k.index for k in ran.kernels if k.is_quantizer or k.precision not in ("int8", "int64", "int32", "bool")}
    links: dict[int, set[int]] = {index: set() for index in floats}
    for kernel in ran.kernels:
        for before in kernel.before:
            if {kernel.index, before} <= floats and not (
                kernel.operator == "DequantizeLinear" or ran.kernels[before].operator == "QuantizeLinear"
            ):
                links[kernel.index].add(before)
                links[before].add(kernel.index)
    parts, seen = [], set[int]()
    for start in sorted(floats):
        if start in seen:
            continue
        part, waiting = set[int](), [start]
        while waiting:
            index = waiting.pop()
            if index not in part:
                part.add(index)
                waiting.extend(links[index])
        seen |= part
        parts.append(part)
    return parts


def _island(network: Network, ran: Ran, part: set[int], integers: set[int]) -> Island:
    kernels = [ran.kernels[index] for index in part]
    entries = [kernel for kernel in kernels if kernel.operator == "DequantizeLinear"]
    exits = [kernel for kernel in kernels if kernel.operator == "QuantizeLinear"]
    closed = (
        bool(entries and exits)
        and not any(kernel.takes_input or kernel.gives_output for kernel in kernels)
        and any(integers & ran.upstream(kernel.index) for kernel in entries)
        and any(integers & ran.downstream(kernel.index) for kernel in exits)
    )
    beside = {
        index
        for kernel in (*entries, *exits)
        for index in (*kernel.before, *ran.after[kernel.index])
        if closed and ran.kernels[index].is_layout
    }
    meant = tuple(
        sorted(kernel.index for kernel in kernels if kernel.is_product and _has_integer_weights(network, kernel))
    )
    return Island(ran, tuple(sorted(part | beside)), closed, meant)


def _has_integer_weights(network: Network, kernel: Kernel) -> bool:
    """Tell whether the file has the weights of a kernel's layer as integers."""
    nodes = network.layers[kernel.layer].nodes if kernel.layer is not None else ()
    products = [node for name in nodes if (node := network.nodes[name]).op_type in PRODUCTS]
    return any(network.constants.integers(node.input[PRODUCTS[node.op_type][1]]) is not None for node in products)
