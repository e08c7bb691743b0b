"""Can the int8 products of a model file overflow? A proof from its graph, for any order of the inputs.

x86 processors without VNNI multiply unsigned activations (0..255) by signed weights in pairs and add each pair in 16
bits, where it saturates in silence (``vpmaddubsw``). A pair fits whatever the activations are, and in whatever order a
kernel takes the weights, where in every output channel the two largest weights of one sign sum to at most 128:
255 * 128 = 32,640 < 32,768. NNCF calls the cure ``overflow_fix``. Unsigned weights take another kernel, which adds in
32 bits, and a product of which one side is float is computed in float.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from edgecnn.card import PAIR_BOUND, Overflow

# Where an operator has its activations, its weights, and the axis of the weights that counts output channels.
PRODUCTS: dict[str, tuple[int, int, int | None]] = {
    "Conv": (0, 1, 0),
    "ConvTranspose": (0, 1, None),
    "Gemm": (0, 1, -1),
    "MatMul": (0, 1, -1),
    "ConvInteger": (0, 1, 0),
    "MatMulInteger": (0, 1, -1),
    "QLinearConv": (0, 3, 0),
    "QLinearMatMul": (0, 3, -1),
    "QGemm": (0, 3, -1),
    "MatMulIntegerToFloat": (0, 1, -1),
    "DynamicQuantizeMatMul": (0, 1, -1),
}
FLOAT_PRODUCTS = ("Conv", "ConvTranspose", "Gemm", "MatMul")  # integer between dequantizers, which runtimes fuse
# What a runtime moves a dequantizer across: the values stay what they are.
MOVED_ACROSS = ("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "MaxPool", "Relu", "Clip", "Slice")
SIGNED, EIGHT_BITS = (TensorProto.INT8, TensorProto.INT4), (TensorProto.INT8, TensorProto.UINT8)
STANDARD = ("", "ai.onnx")


@dataclass(frozen=True)
class Channel:
    """The output channel of one layer whose two largest weights of one sign have the largest sum."""

    layer: str
    channel: int
    pair_sum: int


@dataclass(frozen=True)
class Saturation:
    """What the graph shows. ``layers`` have signed int8 weights; ``unproven`` is what this proof cannot follow."""

    layers: int
    worst: Channel | None
    unproven: list[str]

    @property
    def safe(self) -> bool:
        """Whether no input, in any order, can overflow 16 bits."""
        return not self.unproven and (self.worst is None or self.worst.pair_sum <= PAIR_BOUND)

    @property
    def overflow(self) -> Overflow:
        """What a card says of it."""
        return Overflow(self.safe, self.worst.pair_sum if self.worst else 0)


@dataclass(frozen=True)
class _Weights:
    """Constant weights; ``in_place`` while their axes are those that the operator sees."""

    values: NDArray[np.int64]
    data_type: int
    in_place: bool = True


def prove(model: bytes | Path) -> Saturation:
    """Judge a serialized model, or a model file."""
    graph = _Graph(onnx.load_model_from_string(model) if isinstance(model, bytes) else onnx.load(model))
    found = [graph.judged(node) for node in graph.nodes if node.op_type in PRODUCTS]
    channels = [entry for entry in found if isinstance(entry, Channel)]
    unproven = [entry for entry in found if isinstance(entry, str)]
    worst = max(channels, key=lambda channel: channel.pair_sum, default=None)
    return Saturation(len(channels), worst, [*unproven, *graph.unknown()])


def pair_sums(weights_ck: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each output channel the largest sum of two weights of one sign, in absolute value."""
    padded = np.pad(weights_ck, ((0, 0), (0, 2)))  # a single weight is a pair with nothing
    signs = [np.maximum(padded, 0), np.maximum(-padded, 0)]
    sums_c: NDArray[np.int64] = np.max([np.partition(one, -2, axis=1)[:, -2:].sum(axis=1) for one in signs], axis=0)
    return sums_c


class _Graph:
    """The nodes and constants of a model with its sub-graphs, by what they make."""

    def __init__(self, model: onnx.ModelProto) -> None:
        graphs = list(_graphs(model.graph))
        self.nodes = [node for graph in graphs for node in graph.node]
        self._has_functions = bool(model.functions)
        self._made_by = {name: node for node in self.nodes for name in node.output}
        self._tensors = {tensor.name: tensor for graph in graphs for tensor in graph.initializer} | {
            node.output[0]: part.t
            for node in self.nodes
            if node.op_type == "Constant"
            for part in node.attribute
            if part.name == "value"
        }

    def judged(self, node: onnx.NodeProto) -> Channel | str | None:
        """Return the worst channel of a product, None for one that is not of signed int8, or why that is not known."""
        activations, weights, axis = PRODUCTS[node.op_type]
        if node.op_type in FLOAT_PRODUCTS and not all(
            self._is_dequantized(node.input[place]) for place in (activations, weights)
        ):
            return None
        found = self._weights(node.input[weights])
        if found is None:
            signed = not self._is_unsigned(node.input[weights])
            return f"{_name(node)}: its signed weights are computed in the graph" if signed else None
        if found.data_type not in SIGNED:
            return None
        sums_c = pair_sums(_by_channel(node, found, axis))
        channel = int(sums_c.argmax())
        return Channel(_name(node), channel, int(sums_c[channel]))

    def unknown(self) -> Iterator[str]:
        """Yield what may multiply int8 weights in a way that is not known here."""
        if self._has_functions:
            yield "the model has functions of its own"
        for node in self.nodes:
            if node.domain not in STANDARD and node.op_type not in PRODUCTS and any(map(self._is_matrix, node.input)):
                yield f"{_name(node)}: what {node.domain}.{node.op_type} does with its int8 weights is not known"

    def _is_matrix(self, name: str) -> bool:
        tensor = self._tensors.get(name)
        return tensor is not None and tensor.data_type in EIGHT_BITS and len(tensor.dims) > 1

    def _is_dequantized(self, name: str) -> bool:
        node = self._made_by.get(name)
        if node is None or node.op_type == "DequantizeLinear":
            return node is not None
        return node.op_type in (*MOVED_ACROSS, "Transpose") and self._is_dequantized(node.input[0])

    def _weights(self, name: str) -> _Weights | None:
        if name in self._tensors:
            tensor = self._tensors[name]
            return _Weights(numpy_helper.to_array(tensor).astype(np.int64), tensor.data_type)
        node = self._made_by.get(name)
        if node is None or node.op_type not in ("DequantizeLinear", "Transpose", *MOVED_ACROSS):
            return None
        found = self._weights(node.input[0])
        if found is None or node.op_type == "DequantizeLinear":
            return found
        if node.op_type == "Transpose" and found.in_place:
            order = next((list(part.ints) for part in node.attribute if part.name == "perm"), None)
            return _Weights(found.values.transpose(order), found.data_type)
        return _Weights(found.values, found.data_type, in_place=False)

    def _is_unsigned(self, name: str) -> bool:
        """Tell whether a quantizer in the graph makes these values, as unsigned ones."""
        node = self._made_by.get(name)
        if node is None:
            return False
        if node.op_type == "QuantizeLinear":
            zero = self._tensors.get(node.input[2]) if len(node.input) > 2 else None
            return len(node.input) == 2 or (zero is not None and zero.data_type == TensorProto.UINT8)
        moved = ("DequantizeLinear", "Transpose", *MOVED_ACROSS)
        return node.op_type == "DynamicQuantizeLinear" or (node.op_type in moved and self._is_unsigned(node.input[0]))


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for part in node.attribute:
            for inner in (part.g, *part.graphs):
                if inner.node:
                    yield from _graphs(inner)


def _by_channel(node: onnx.NodeProto, weights: _Weights, axis: int | None) -> NDArray[np.int64]:
    """Return weights_ck; all as one channel, which bounds each, where the axis of the channels is not known."""
    values = weights.values
    if axis is None or not weights.in_place or values.ndim < 2:
        return values.reshape(1, -1)
    if any(part.name == "transB" and part.i for part in node.attribute):
        axis = 0
    return np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)


def _name(node: onnx.NodeProto) -> str:
    return node.name or node.output[0]
