"""What is in a model file: its layers with shapes, parameters, operations and bytes, and its card."""

import math
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import numpy_helper

from edgecnn import zoo
from edgecnn.card import ModelCard
from edgecnn.onnx_file import read_graph, reading, versions_of
from edgecnn.runtime.finder import load_either
from edgecnn.saturation import Saturation, prove

QUANTIZERS = ("QuantizeLinear", "DequantizeLinear")
DENSE = ("Gemm", "MatMul", "MatMulInteger")
WEIGHT_INPUTS = {"MatMulInteger": 2, "Reshape": 0}  # what follows is no parameter: zero points, a shape


@dataclass(frozen=True)
class Layer:
    """One operator. ``macs`` are multiply-accumulates for one image; ``weight_bytes`` as they lie in the file."""

    name: str
    operator: str
    output_shape: str
    parameters: int
    macs: int
    weight_bytes: int
    weight_type: str


@dataclass(frozen=True)
class Inspection:
    """A file: its size, versions, layers and card."""

    path: Path
    size_bytes: int
    opset: int
    ir_version: int
    layers: list[Layer]
    card: ModelCard
    saturation: Saturation

    @property
    def parameters(self) -> int:
        """All parameters."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """All multiply-accumulates for one image."""
        return sum(layer.macs for layer in self.layers)


def inspect(path_or_name: str | Path) -> Inspection:
    """Read a model file, or a model of the zoo by name.

    Quantize and dequantize operators are counted with the layer that they feed.

    Raises ModelError or CardError.
    """
    path = zoo.find(path_or_name)
    card = load_either(path).card
    model = read_graph(path)
    with reading(path):
        opset, ir_version = versions_of(path)
        return Inspection(path, path.stat().st_size, opset, ir_version, _layers(model.graph), card, prove(path))


def _layers(graph: onnx.GraphProto) -> list[Layer]:
    weights = {tensor.name: tensor for tensor in graph.initializer}
    sources = {
        node.output[0]: weights[node.input[0]]
        for node in graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in weights
    } | weights
    shapes = {value.name: _shape(value) for value in (*graph.value_info, *graph.output)}
    return [_layer(node, sources, shapes) for node in graph.node if node.op_type not in QUANTIZERS]


def _layer(
    node: onnx.NodeProto, sources: dict[str, onnx.TensorProto], shapes: dict[str, tuple[int | str, ...]]
) -> Layer:
    inputs = node.input[: WEIGHT_INPUTS.get(node.op_type)]
    tensors = [sources[name] for name in inputs if name in sources]
    output = shapes.get(node.output[0], ())
    types = {onnx.TensorProto.DataType.Name(tensor.data_type).lower() for tensor in tensors[:1]}
    return Layer(
        name=node.name,
        operator=node.op_type,
        output_shape=" x ".join(str(side) for side in output),
        parameters=sum(math.prod(tensor.dims) for tensor in tensors),
        macs=_macs(node.op_type, tensors, output),
        weight_bytes=sum(numpy_helper.to_array(tensor).nbytes for tensor in tensors),
        weight_type=next(iter(types), ""),
    )


def _macs(operator: str, tensors: list[onnx.TensorProto], output: tuple[int | str, ...]) -> int:
    """Every weight of a convolution is used once a position; of a dense layer, once."""
    if not tensors:
        return 0
    weight: int = math.prod(tensors[0].dims)
    if operator == "Conv":
        return weight * math.prod(side for side in output[2:] if isinstance(side, int))
    return weight if operator in DENSE else 0


def _shape(value: onnx.ValueInfoProto) -> tuple[int | str, ...]:
    return tuple(dim.dim_value or dim.dim_param or "?" for dim in value.type.tensor_type.shape.dim)
