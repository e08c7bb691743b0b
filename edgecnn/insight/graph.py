"""A model file as layers in order of computation, from its graph alone.

A layer is an operator with the norms, activations and constants that are applied to its output and to nothing else:
a convolution, its ReLU and the scales of its integers are one layer. Operators that compute with sizes are none.
A layer hands on a value, and that has the name of a tensor: in a quantized file it is the integers that the next layer
gets, brought back by their scale.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgecnn import zoo
from edgecnn.card import CARD_KEY, ModelCard
from edgecnn.errors import ModelError
from edgecnn.metadata import read_metadata
from edgecnn.onnx_file import read_graph, reading
from edgecnn.runtime.load import task_of
from edgecnn.saturation import PRODUCTS

ACTIVATIONS = frozenset(
    (
        *("Relu", "Clip", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh"),
        *("Gelu", "Mish", "Softplus", "Softsign", "ThresholdedRelu"),
    )
)
NORMS = frozenset(("BatchNormalization", "InstanceNormalization", "LayerNormalization", "GroupNormalization"))
UNCHANGED = frozenset(("Identity", "Dropout", "Cast"))
ARITHMETIC = frozenset(("Add", "Sub", "Mul", "Div", "Pow"))  # with a constant
LAYOUT = frozenset(("Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand"))
QUANTIZERS = ("QuantizeLinear", "DequantizeLinear")
QUANTIZED = {  # where an operator has scale and zero point of the integers that come out of it
    "QuantizeLinear": (1, 2),
    "QLinearConv": (6, 7),
    "QLinearMatMul": (6, 7),
    "QGemm": (7, 8),
    "QLinearAdd": (6, 7),
    "QLinearMul": (6, 7),
    "QLinearAveragePool": (3, 4),
    "QLinearGlobalAveragePool": (3, 4),
    "QLinearLeakyRelu": (3, 4),
    "QLinearSigmoid": (3, 4),
}
SAME_SCALE = frozenset(("MaxPool", "Relu", "Clip", *LAYOUT, "Identity"))  # integers in, integers of that scale out
COLORS = (1, 3, 4)
PROBABILITIES = "probabilities"


class ShapedTask(Protocol):
    """What is asked of a task here."""

    def image_shape(self, card: ModelCard) -> tuple[int, int, int]:
        """Return height, width and channels of what operations are counted for."""


@dataclass(frozen=True)
class Scaling:
    """How integers are brought back: ``(values - zero) * scale``, by channel along ``axis`` where these are arrays."""

    scale: NDArray[np.float32]
    zero: NDArray[np.generic]
    axis: int = 1

    def real(self, integers: NDArray[Any]) -> NDArray[np.float32]:
        """Bring integers back."""
        scale, zero = (_along(part, integers.ndim, self.axis) for part in (self.scale, self.zero))
        result: NDArray[np.float32] = (integers.astype(np.int64) - zero.astype(np.int64)).astype(np.float32) * scale
        return result

    @property
    def limits(self) -> tuple[float, float]:
        """The least and the largest number that these integers can stand for."""
        kind = np.iinfo(cast("np.dtype[np.int64]", self.zero.dtype))
        ends = [float(((end - self.zero.astype(np.float64)) * self.scale).max()) for end in (kind.min, kind.max)]
        return ends[0], ends[1]


@dataclass(frozen=True)
class Value:
    """A value of the graph: its name in float, the tensor that really has it, and the scale where that is integers."""

    name: str
    tensor: str
    scaling: Scaling | None = None

    def real(self, found: NDArray[Any]) -> NDArray[np.float32]:
        """Return what was computed as numbers."""
        return found.astype(np.float32) if self.scaling is None else self.scaling.real(found)


@dataclass(frozen=True)
class Layer:
    """One layer. ``nodes`` are the names of its operators, ``operators`` their types, the first what it begins with.

    ``source`` is the value that it takes first, ``prepares`` says that it comes before all weights, and ``has_weights``
    that one of its operators multiplies by weights of the file.
    """

    index: int
    title: str
    nodes: tuple[str, ...]
    operators: tuple[str, ...]
    source: Value
    value: Value
    prepares: bool
    has_weights: bool

    @property
    def name(self) -> str:
        """The name of the value that it hands on."""
        return self.value.name

    @property
    def operator(self) -> str:
        """The operator that it begins with."""
        return self.operators[0]

    @property
    def is_layout(self) -> bool:
        """Whether it moves numbers without changing them."""
        return set(self.operators) <= LAYOUT | UNCHANGED


@dataclass(frozen=True)
class Input:
    """What the graph takes. ``batch`` is None where any number of images will do."""

    name: str
    dtype: str
    batch: int | None
    height: int
    width: int
    channels: int
    channels_last: bool

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        return self.height, self.width, self.channels

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the input for one image, or for as many as the graph is fixed to."""
        sides = self.image_shape if self.channels_last else (self.channels, self.height, self.width)
        return (self.batch or 1, *sides)

    def of_pixels(self, images_nhwc: NDArray[np.uint8]) -> NDArray[Any]:
        """Turn pixels of 0..255 into what the graph takes: as they are for integers, as 0..1 for floats."""
        moved = images_nhwc if self.channels_last else images_nhwc.transpose(0, 3, 1, 2)
        if self.dtype == "uint8":
            return np.ascontiguousarray(moved)
        scaled = moved.astype(np.float32) / 255 if self.dtype.startswith("float") else moved
        return np.ascontiguousarray(scaled.astype(self.dtype))


@dataclass(frozen=True, eq=False)
class Network:
    """A model file that was read. ``model`` has its nodes named and its constants as initializers."""

    name: str
    path: Path
    model: onnx.ModelProto
    card: ModelCard | None
    input: Input
    layers: tuple[Layer, ...]

    @cached_property
    def constants(self) -> "Constants":
        """What is known of the graph without running it."""
        return Constants(self.model.graph)

    @cached_property
    def nodes(self) -> dict[str, onnx.NodeProto]:
        """The operators by name."""
        return {node.name: node for node in self.model.graph.node}

    @property
    def labels(self) -> list[str] | None:
        """The names of the classes, where the file has a card."""
        return None if self.card is None else self.card.labels

    @property
    def output(self) -> str:
        """The name of the output that has the answer: probabilities, where an output is called so."""
        names = [entry.name for entry in self.model.graph.output]
        return PROBABILITIES if PROBABILITIES in names else names[0]

    @property
    def quantized(self) -> bool:
        """Whether any layer hands on integers."""
        return any(layer.value.scaling is not None for layer in self.layers)

    @property
    def one_by_one(self) -> bool:
        """Whether what an image gives depends on the others in its batch."""
        dynamic = any(node.op_type == "DynamicQuantizeLinear" for node in self.model.graph.node)
        return dynamic or (self.card is not None and self.card.batch_dependent)

    @cached_property
    def last_weighted(self) -> list[Layer]:
        """The layers with weights whose values reach the answer without another one's weights: the last dense layer of
        a classifier, of a pyramid the last convolution at each level."""
        makers = {name: layer for layer in self.layers for node in layer.nodes for name in self.nodes[node].output}
        waiting = [entry.name for entry in self.model.graph.output]
        seen: set[str] = set()
        found: set[int] = set()
        while waiting:
            name = waiting.pop()
            layer = makers.get(name)
            if name in seen:
                continue
            seen.add(name)
            if layer is not None and layer.has_weights:
                found.add(layer.index)
            elif name in self.constants.made_by:
                waiting += self.constants.made_by[name].input
        return [layer for layer in self.layers if layer.index in found]

    def layer(self, name: str) -> Layer:
        """Return the layer that hands on a value."""
        return next(layer for layer in self.layers if layer.name == name)


class Constants:
    """Initializers of a graph, with what dequantizers and moves make of them."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.tensors = {tensor.name: tensor for tensor in graph.initializer}
        self.made_by = {name: node for node in graph.node for name in node.output}

    def __contains__(self, name: str) -> bool:
        return self.array(name) is not None

    def array(self, name: str) -> NDArray[Any] | None:
        """Return a constant as numbers, dequantized where the graph does so, or None for what is computed."""
        if name in self.tensors:
            return numpy_helper.to_array(self.tensors[name])
        node = self.made_by.get(name)
        found = self.array(node.input[0]) if node is not None and node.op_type in MOVES else None
        if node is None or found is None:
            return None
        if node.op_type == "Transpose":
            return found.transpose(_attribute(node, "perm"))
        if node.op_type == "DequantizeLinear":
            scaling = self.scaling(node, 1, 2)
            return None if scaling is None else scaling.real(found)
        if node.op_type == "Cast":
            return found.astype(helper.tensor_dtype_to_np_dtype(_attribute(node, "to")))
        return found

    def stored(self, name: str) -> str:
        """Return the type that a constant has in the file."""
        while name not in self.tensors:
            name = self.made_by[name].input[0]
        return str(np.dtype(helper.tensor_dtype_to_np_dtype(self.tensors[name].data_type)).name)

    def integers(self, name: str) -> tuple[NDArray[Any], Scaling] | None:
        """Return the integers of a constant that a dequantizer brings back, as they lie in the file."""
        node = self.made_by.get(name)
        if node is None or node.op_type != "DequantizeLinear" or node.input[0] not in self.tensors:
            return None
        scaling = self.scaling(node, 1, 2)
        return None if scaling is None else (numpy_helper.to_array(self.tensors[node.input[0]]), scaling)

    def scaling(self, node: onnx.NodeProto, slot: int, zero_slot: int) -> Scaling | None:
        """Return the scale and the zero point of an operator, where they are constant."""
        scale = self.array(node.input[slot])
        zero = self.array(node.input[zero_slot]) if len(node.input) > zero_slot and node.input[zero_slot] else None
        if scale is None:
            return None
        axis = _attribute(node, "axis")
        return Scaling(
            np.asarray(scale, np.float32), np.zeros((), np.uint8) if zero is None else zero, 1 if axis is None else axis
        )


MOVES = ("Identity", "Transpose", "DequantizeLinear", "Cast")


def read(model: str | Path) -> Network:
    """Read a model file, or a model of the zoo by name, of whatever origin; a card is not needed.

    Raises ModelError for what is none, CardError for a card that is broken.
    """
    path = zoo.find(model)
    metadata = read_metadata(path)
    card = ModelCard.from_metadata(metadata, source=str(model)) if CARD_KEY in metadata else None
    graph = read_graph(path)
    with reading(path):
        tidied = _tidied(graph, str(model))
        taken = _input(tidied, card, str(model))
        return Network(str(model), path, tidied, card, taken, tuple(_layers(tidied.graph)))


def _tidied(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """Name nodes without a name, make constants initializers, and keep no initializer among the inputs."""
    graph = model.graph
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in graph.initializer):
        raise ModelError(
            f"{name}: keeps its weights in another file; one file is the model here. Save it as one: onnx.save(onnx."
            "load(FILE), NEW), or torch.onnx.export(…, external_data=False)."
        )
    for index, node in enumerate(graph.node):
        node.name = node.name or f"{node.op_type}_{index}"
    for node in [node for node in graph.node if node.op_type == "Constant" and node.attribute]:
        graph.initializer.append(_constant(node))
        graph.node.remove(node)
    stored = {tensor.name for tensor in graph.initializer}
    for entry in [entry for entry in graph.input if entry.name in stored]:
        graph.input.remove(entry)  # as files of IR version 3 have it
    return model


def _constant(node: onnx.NodeProto) -> onnx.TensorProto:
    value = helper.get_attribute_value(node.attribute[0])
    if not isinstance(value, onnx.TensorProto):
        value = numpy_helper.from_array(np.asarray(value, np.float32 if isinstance(value, float) else None))
    tensor = onnx.TensorProto()
    tensor.CopyFrom(value)
    tensor.name = node.output[0]
    return tensor


def _input(model: onnx.ModelProto, card: ModelCard | None, name: str) -> Input:
    if len(model.graph.input) != 1:
        names = ", ".join(entry.name for entry in model.graph.input) or "nothing"
        raise ModelError(f"{name}: takes {names}; a network that takes images alone was expected.")
    entry = model.graph.input[0]
    kind = entry.type.tensor_type
    sides = [side.dim_value or None for side in kind.shape.dim]
    dtype = str(np.dtype(helper.tensor_dtype_to_np_dtype(kind.elem_type)).name)
    if card is not None:
        shape = cast(ShapedTask, task_of(card, name)).image_shape(card)
        return Input(entry.name, dtype, sides[0], *shape, channels_last=True)
    if len(sides) == 4 and None not in sides[1:]:
        first, *_, last = sides[1:]
        channels_last = last in COLORS and first not in COLORS
        height, width, channels = sides[1:] if channels_last else (*sides[2:], first)
        return Input(entry.name, dtype, sides[0], height or 0, width or 0, channels or 0, channels_last)
    found = " x ".join("?" if side is None else str(side) for side in sides)
    raise ModelError(
        f"{name}: takes {entry.name} of {found or 'no known size'}; images of a known size were expected, such as "
        "N x 3 x 224 x 224. Export it with height, width and channels fixed."
    )


def _layers(graph: onnx.GraphProto) -> Iterator[Layer]:
    """Yield the layers in the order of the file, which is one of computation."""
    walk = _Walk(graph)
    taken: set[str] = set()
    prepares, index = True, 0
    for node in graph.node:
        if node.name in taken or not walk.is_layer(node):
            continue
        nodes, value = walk.chain(node)
        taken.update(one.name for one in nodes)
        has_weights = any(walk.has_weights(one) for one in nodes)
        prepares &= not has_weights
        names, operators = tuple(one.name for one in nodes), tuple(one.op_type for one in nodes)
        yield Layer(index, walk.title(nodes), names, operators, walk.source(node), value, prepares, has_weights)
        index += 1


class _Walk:
    """A graph on the way from its input to its outputs."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.constants = Constants(graph)
        self.outputs = {entry.name for entry in graph.output}
        self.used_by: dict[str, list[onnx.NodeProto]] = {}
        self.depends = {entry.name for entry in graph.input}
        self.scalings: dict[str, Scaling] = {}  # of tensors that are integers without a quantizer beside them
        for node in graph.node:
            if node.op_type not in ("Shape", "Size") and self.depends & set(node.input):
                self.depends.update(node.output)
            for name in node.input:
                self.used_by.setdefault(name, []).append(node)
            self._note_integers(node)

    def _note_integers(self, node: onnx.NodeProto) -> None:
        if slots := QUANTIZED.get(node.op_type):
            if scaling := self.constants.scaling(node, *slots):
                self.scalings[node.output[0]] = scaling
        elif node.op_type in SAME_SCALE and node.input[0] in self.scalings:
            self.scalings[node.output[0]] = self.scalings[node.input[0]]

    def is_layer(self, node: onnx.NodeProto) -> bool:
        return node.op_type not in (*QUANTIZERS, "DynamicQuantizeLinear") and bool(self.depends & set(node.output[:1]))

    def has_weights(self, node: onnx.NodeProto) -> bool:
        return node.op_type in PRODUCTS and node.input[PRODUCTS[node.op_type][1]] in self.constants

    def source(self, node: onnx.NodeProto) -> Value:
        """Return the first value of a node that follows from the image."""
        name = next(name for name in node.input if name in self.depends)
        before = self.constants.made_by.get(name)
        if before is not None and before.op_type == "DequantizeLinear" and before.input[0] in self.scalings:
            return Value(name, before.input[0], self.scalings[before.input[0]])
        return Value(name, name, self.scalings.get(name))

    def chain(self, head: onnx.NodeProto) -> tuple[list[onnx.NodeProto], Value]:
        """Return the operators of a layer, and the value that the last of them hands on."""
        nodes = [head]
        value, users = self.settled(head.output[0])
        while len(users) == 1 and value.name not in self.outputs and self._goes_on(users[0], nodes):
            nodes.append(users[0])
            value, users = self.settled(users[0].output[0])
        return nodes, value

    def settled(self, name: str) -> tuple[Value, list[onnx.NodeProto]]:
        """Return the value of a tensor as its users get it, through a quantizer where that is all it goes to."""
        users = self.used_by.get(name, [])
        if name in self.outputs or [user.op_type for user in users] != ["QuantizeLinear"]:
            return Value(name, name, self.scalings.get(name)), users
        (quantizer,) = users
        integers = quantizer.output[0]
        if integers not in self.scalings:
            return Value(name, name), users
        behind = [one for user in self.used_by.get(integers, []) for one in self._behind(user)]
        return Value(name, integers, self.scalings[integers]), behind

    def _behind(self, user: onnx.NodeProto) -> list[onnx.NodeProto]:
        return self.used_by.get(user.output[0], []) if user.op_type == "DequantizeLinear" else [user]

    def _goes_on(self, node: onnx.NodeProto, nodes: list[onnx.NodeProto]) -> bool:
        """Tell whether an operator belongs to the layer before it."""
        if node.op_type in ACTIVATIONS | NORMS | UNCHANGED:
            return True
        others = [name for name in node.input if name not in self.depends]
        if node.op_type in ARITHMETIC and len(node.input) == 2:
            return len(others) == 1 or nodes[0].op_type in ("ConvInteger", "MatMulInteger")
        return False

    def title(self, nodes: list[onnx.NodeProto]) -> str:
        """Say in words what a layer is, without what only scales."""
        head = nodes[0]
        weights = self.constants.array(head.input[PRODUCTS[head.op_type][1]]) if self.has_weights(head) else None
        kernel = _attribute(head, "kernel_shape") or (weights.shape[2:] if weights is not None else ())
        words = [WORDS.get(head.op_type, head.op_type), "x".join(map(str, kernel))]
        if (_attribute(head, "group") or 1) > 1:
            words.insert(0, "depthwise" if weights is not None and weights.shape[1] == 1 else "grouped")
        strides = _attribute(head, "strides") or [1]
        if max(strides) > 1 and head.op_type.endswith(("Conv", "ConvInteger")):
            words.append(f"/{max(strides)}")
        rest = [node.op_type for node in nodes[1:] if node.op_type in ACTIVATIONS | NORMS]
        return " + ".join([" ".join(word for word in words if word), *(WORDS.get(one, one) for one in rest)])


WORDS = {
    **dict.fromkeys(("Gemm", "MatMul", "MatMulInteger", "QLinearMatMul", "QGemm"), "dense"),
    **dict.fromkeys(("Conv", "ConvInteger", "QLinearConv"), "conv"),
    **dict.fromkeys(("Reshape", "Flatten"), "reshape"),
    **dict.fromkeys(("Add", "QLinearAdd"), "add"),
    **dict.fromkeys(("Mul", "QLinearMul"), "multiply"),
    **dict.fromkeys(("AveragePool", "QLinearAveragePool"), "mean pool"),
    **dict.fromkeys(("GlobalAveragePool", "QLinearGlobalAveragePool", "ReduceMean"), "mean"),
    **dict.fromkeys(("GlobalMaxPool", "ReduceMax"), "maximum"),
    "ConvTranspose": "transposed conv",
    "MaxPool": "max pool",
    "Concat": "concatenate",
    "Transpose": "transpose",
    "Slice": "slice",
    "Softmax": "softmax",
    "BatchNormalization": "batch norm",
    "InstanceNormalization": "instance norm",
    "LayerNormalization": "layer norm",
    "GroupNormalization": "group norm",
    "Relu": "ReLU",
    "Gelu": "GELU",
}


def _along(part: NDArray[Any], dimensions: int, axis: int) -> NDArray[Any]:
    """Shape numbers of channels so that they meet the axis that counts these."""
    return (
        part.reshape([-1 if place == axis % dimensions else 1 for place in range(dimensions)])
        if part.size > 1
        else part
    )


def _attribute(node: onnx.NodeProto, name: str) -> Any:
    return next((helper.get_attribute_value(part) for part in node.attribute if part.name == name), None)
