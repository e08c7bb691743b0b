"""What was trained with rounding as quantizers and dequantizers, as the exporter takes it to ONNX.

A layer stands between dequantizers, with its weights as int8 and its bias as int32 of the two scales' product; what it
makes goes into a quantizer, which clips as well: an activation that its range leaves nothing to do is left out.
Runtimes make one integer kernel of each such group.
"""

import copy

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node

from edgecnn.aten import ACTIVATIONS, WEIGHTED, arguments, attribute, kind, put_behind
from edgecnn.qat.rounding import LARGEST_ACTIVATION, LARGEST_WEIGHT, Activations, rounded_weights, weight_scale

POOL = "max_pool2d"  # has an integer kernel, and gives values of the range that it takes
SIX = 6.0


class Quantized(nn.Module):
    """A quantizer and its dequantizer."""

    def __init__(self, activations: Activations) -> None:
        super().__init__()
        scale, zero_point = activations.grid()
        self.register_buffer("scale", scale.detach().clone())
        self.register_buffer("zero_point", zero_point.to(torch.uint8))
        self.scale: Tensor
        self.zero_point: Tensor

    def forward(self, values: Tensor) -> Tensor:
        """Return what the two make of values, as a graph; outside of an export nothing is computed."""
        levels = _operator("QuantizeLinear", (values, self.scale, self.zero_point), torch.uint8, values)
        return _operator("DequantizeLinear", (levels, self.scale, self.zero_point), torch.float32, values)


class Constant(nn.Module):
    """Integers and the scale of each of their channels, the first axis, behind a dequantizer."""

    def __init__(self, integers: Tensor, scale_c: Tensor) -> None:
        super().__init__()
        self.register_buffer("integers", integers)
        self.register_buffer("scale", scale_c)
        self.register_buffer("zero_point", torch.zeros_like(scale_c, dtype=integers.dtype))
        self.integers: Tensor
        self.scale: Tensor
        self.zero_point: Tensor

    def forward(self) -> Tensor:
        """Return the constant, as a graph."""
        given = (self.integers, self.scale, self.zero_point)
        return _operator("DequantizeLinear", given, torch.float32, self.integers, axis=0)


@torch.no_grad()
def deployed(network: GraphModule) -> GraphModule:
    """Return a network that was made by ``prepared`` with standard quantizers in place of rounding, to be exported."""
    graph = copy.deepcopy(network).eval()
    for node in list(graph.graph.nodes):
        if kind(node) in WEIGHTED and arguments(node)[1].target is rounded_weights:
            _as_integers(graph, node)
    for node in list(graph.graph.nodes):
        if _rounding(graph, node) is not None:
            _quantize(graph, node)
    graph.graph.eliminate_dead_code()
    graph.delete_all_unused_submodules()
    graph.recompile()
    return graph


def _operator(name: str, inputs: tuple[Tensor, ...], dtype: torch.dtype, like: Tensor, **attributes: int) -> Tensor:
    return torch.onnx.ops.symbolic(name, inputs, {**attributes}, dtype=dtype, shape=like.shape)


def _rounding(graph: GraphModule, node: Node) -> Activations | None:
    if node.op != "call_module":
        return None
    module = graph.get_submodule(str(node.target))
    return module if isinstance(module, Activations) else None


def _as_integers(graph: GraphModule, layer: Node) -> None:
    """Give a layer its weights as int8, and its bias as int32 where the scale of what goes in is known."""
    name = str(arguments(arguments(layer)[1])[0].target)
    weights = attribute(graph, name)
    scale_c = weight_scale(weights)
    per_channel = scale_c.reshape(-1, *[1] * (weights.ndim - 1))
    integers = (weights.detach() / per_channel).round().clamp(-LARGEST_WEIGHT, LARGEST_WEIGHT).to(torch.int8)
    layer.update_arg(1, _constant(graph, layer, f"{name}_int8", Constant(integers.contiguous(), scale_c)))
    before = _range_of(graph, arguments(layer)[0])
    if before is None or len(layer.args) < 3 or layer.args[2] is None:
        return
    name = str(arguments(layer)[2].target)
    product_c = scale_c * before.grid()[0]
    bias = (attribute(graph, name).detach().double() / product_c.double()).round()
    if bias.abs().max() < 2**31:
        layer.update_arg(2, _constant(graph, layer, f"{name}_int32", Constant(bias.to(torch.int32), product_c)))


def _constant(graph: GraphModule, layer: Node, name: str, constant: Constant) -> Node:
    name = name.replace(".", "_")
    graph.add_submodule(name, constant)
    with graph.graph.inserting_before(layer):
        return graph.graph.call_module(name, ())


def _range_of(graph: GraphModule, node: Node) -> Activations | None:
    """Return what rounded the values that a node gives, which may have been moved since."""
    while (found := _rounding(graph, node)) is None:
        if node.op == "placeholder" or not node.args or not isinstance(node.args[0], Node):
            return None
        if kind(node) in WEIGHTED:
            return None
        node = node.args[0]
    return found


def _quantize(graph: GraphModule, node: Node) -> None:
    """Put a quantizer in the place of a rounding, and one with the same range behind each pool that takes from it."""
    rounding = _rounding(graph, node)
    assert rounding is not None
    name = str(node.target)
    graph.set_submodule(name, Quantized(rounding))
    source = arguments(node)[0]
    if kind(source) in ACTIVATIONS and len(source.users) == 1 and _is_clipped(source, rounding):
        node.update_arg(0, source.args[0])
    for pool in [user for user in node.users if kind(user) == POOL]:
        with graph.graph.inserting_after(pool):
            again = graph.graph.call_module(name, (pool,))
        put_behind(pool, again)


def _is_clipped(activation: Node, rounding: Activations) -> bool:
    """Tell whether a quantizer of this range clips all that an activation does."""
    scale, zero_point = rounding.grid()
    if int(zero_point) != 0:
        return False
    largest = float(scale) * LARGEST_ACTIVATION
    limit = {"relu": float("inf"), "relu6": SIX}.get(kind(activation).rstrip("_"))
    if limit is None:
        ends = arguments(activation)[1:3]
        if len(ends) < 2 or ends[0] != 0 or ends[1] is None:
            return False
        limit = float(ends[1])
    return largest <= limit * (1 + 1e-6)
