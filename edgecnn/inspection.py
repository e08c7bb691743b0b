"""What is in a model file: its layers with shapes, parameters, operations and bytes, and its card."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import onnx
from onnx import numpy_helper

from edgecnn import zoo
from edgecnn.card import ModelCard
from edgecnn.damage import WIDENERS
from edgecnn.metadata import read_card
from edgecnn.onnx_file import read_graph, reading, versions_of
from edgecnn.runtime.load import task_of
from edgecnn.saturation import PRODUCTS, Saturation, prove
from edgecnn.shapes import Shape, fixed_shapes

QUANTIZERS = ("QuantizeLinear", "DequantizeLinear")
# Which inputs of an operator are parameters of a network; a norm's running statistics, scales and zero points are not.
SLOTS = {
    "Conv": (1, 2),
    "ConvInteger": (1,),
    "ConvTranspose": (1, 2),
    "Gemm": (1, 2),
    "MatMul": (0, 1),
    "MatMulInteger": (1,),
    "BatchNormalization": (1, 2),
    "InstanceNormalization": (1, 2),
    "LayerNormalization": (1, 2),
    "PRelu": (1,),
    "QLinearConv": (3, 8),
    "QLinearMatMul": (3,),
    "QGemm": (3, 6),
}
NAMED = "classifier.network."  # what the exporter calls other parameters, such as a bias that is added by itself
NO_PARAMETERS = ("running_mean", "running_var", "_scale", "_zero_point")


class InspectedTask(Protocol):
    """What is asked of a task here."""

    def image_shape(self, card: ModelCard) -> tuple[int, int, int]:
        """Return height, width and channels of what operations are counted for."""


@dataclass(frozen=True)
class Layer:
    """One operator for one image. ``macs`` are multiply-accumulates, None where its size is not known.

    ``parameters`` and ``weight_bytes`` (as they lie in the file) are of the tensors that no layer before it has.
    """

    name: str
    operator: str
    output_shape: str
    parameters: int
    macs: int | None
    weight_bytes: int
    weight_type: str


@dataclass(frozen=True)
class FileBytes:
    """What a file's bytes are: their sum is its size.

    ``weights`` are the content of the parameters, ``constants`` all other tensors (running statistics, scales, zero
    points, shapes), ``card`` the metadata, ``graph`` what is left: operators and names.
    """

    weights: int
    constants: int
    card: int
    graph: int


@dataclass(frozen=True)
class Inspection:
    """A file: its size, versions, layers and card. ``image_shape`` (1, H, W, C) is what operations are counted for."""

    path: Path
    size_bytes: int
    content: FileBytes
    opset: int
    ir_version: int
    image_shape: tuple[int, int, int, int]
    layers: list[Layer]
    card: ModelCard
    saturation: Saturation

    @property
    def parameters(self) -> int:
        """All parameters of the network, as it was trained."""
        return self.card.parameters

    @property
    def stored_parameters(self) -> int:
        """Those that the file has: of a norm that was folded into its convolution one bias a filter is left."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int | None:
        """All multiply-accumulates of convolutions and dense layers for one image, None where some are not known."""
        counts = [layer.macs for layer in self.layers]
        return None if None in counts else sum(count or 0 for count in counts)


def inspect(path_or_name: str | Path) -> Inspection:
    """Read a model file, or a model of the zoo by name.

    Quantize and dequantize operators, and those that widen float16 weights, are counted with the layer that they feed.

    Raises ModelError or CardError.
    """
    path = zoo.find(path_or_name)
    card = read_card(path)
    model = read_graph(path)
    image_shape = (1, *cast(InspectedTask, task_of(card, str(path_or_name))).image_shape(card))
    with reading(path):
        opset, ir_version = versions_of(path)
        layers, parameters = operators(model, image_shape)
        size_bytes = path.stat().st_size
        content = _content(model, size_bytes, parameters)
        return Inspection(path, size_bytes, content, opset, ir_version, image_shape, layers, card, prove(path))


def _content(model: onnx.ModelProto, size_bytes: int, parameters: set[str]) -> FileBytes:
    weights = sum(_stored_bytes(tensor) for tensor in model.graph.initializer if tensor.name in parameters)
    others = [tensor for tensor in model.graph.initializer if tensor.name not in parameters]
    constants = onnx.GraphProto(initializer=others).ByteSize()
    card = onnx.ModelProto(metadata_props=model.metadata_props).ByteSize()
    return FileBytes(weights, constants, card, size_bytes - weights - constants - card)


def _stored_bytes(tensor: onnx.TensorProto) -> int:
    return int(numpy_helper.to_array(tensor).nbytes)


def operators(model: onnx.ModelProto, input_shape: tuple[int, ...]) -> tuple[list[Layer], set[str]]:
    """Return the operators for an input of that shape, and the names of all tensors that are parameters."""
    graph, shapes = model.graph, fixed_shapes(model, input_shape)
    weights = {tensor.name: tensor for tensor in graph.initializer}
    sources = {
        node.output[0]: weights[node.input[0]]
        for node in graph.node
        if node.op_type in WIDENERS and node.input[0] in weights
    } | weights
    seen: set[str] = set()
    nodes = [node for node in graph.node if node.op_type not in QUANTIZERS and node.output[0] not in sources]
    return [_layer(node, sources, shapes, seen) for node in nodes], seen


def _layer(
    node: onnx.NodeProto, sources: dict[str, onnx.TensorProto], shapes: dict[str, Shape], seen: set[str]
) -> Layer:
    """Describe one operator; ``seen`` gets the parameters that it is the first to use."""
    used = [sources[name] for slot, name in enumerate(node.input) if name in sources and _is_parameter(node, slot)]
    tensors = [tensor for tensor in used if tensor.name not in seen]
    seen.update(tensor.name for tensor in tensors)
    types = {onnx.TensorProto.DataType.Name(tensor.data_type).lower() for tensor in used[:1]}
    return Layer(
        name=node.name,
        operator=node.op_type,
        output_shape=" x ".join(str(side) for side in shapes.get(node.output[0], ())),
        parameters=sum(math.prod(tensor.dims) for tensor in tensors),
        macs=_macs(node, shapes | {name: tuple(tensor.dims) for name, tensor in sources.items()}),
        weight_bytes=sum(_stored_bytes(tensor) for tensor in tensors),
        weight_type=next(iter(types), ""),
    )


def _is_parameter(node: onnx.NodeProto, slot: int) -> bool:
    name = node.input[slot]
    return slot in SLOTS.get(node.op_type, ()) or (name.startswith(NAMED) and not name.endswith(NO_PARAMETERS))


def _macs(node: onnx.NodeProto, shapes: dict[str, Shape]) -> int | None:
    """Every weight of a convolution is used once a position and image, mirrored views included; of a product of
    matrices, every element of the result takes as many as the rows are long."""
    if node.op_type not in PRODUCTS:
        return 0
    output = shapes.get(node.output[0], ("?",))
    first, second = (shapes.get(node.input[place], ("?",)) for place in PRODUCTS[node.op_type][:2])
    if node.op_type == "ConvTranspose":
        factors = (*second, first[0], *first[2:])
    elif node.op_type in ("Conv", "ConvInteger", "QLinearConv"):
        factors = (*second, output[0], *output[2:])
    else:
        transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
        factors = (*output, first[0] if transposed else first[-1])
    known = [side for side in factors if isinstance(side, int)]
    return math.prod(known) if len(known) == len(factors) else None
