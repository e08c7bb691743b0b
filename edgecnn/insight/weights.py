"""Weights and biases by layer, as numbers: of a quantized file brought back by their scales, channel by channel."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from edgecnn.insight.graph import ARITHMETIC, NORMS, Constants, Layer, Network, Scaling
from edgecnn.saturation import PRODUCTS

FOLDED = "_bias"  # what the exporter's optimizer adds to the name of the weights that it folds a norm into
INTEGER_SCALES = {"QLinearConv": (4, 5), "QLinearMatMul": (4, 5), "QGemm": (4, 5)}  # of the weights
BIASES = {"Conv": 2, "ConvTranspose": 2, "Gemm": 2, "QLinearConv": 8, "QGemm": 6}
DYNAMIC = ("ConvInteger", "MatMulInteger")


@dataclass(frozen=True, eq=False)
class Weights:
    """The weights of one operator, output channels first: (out, in, height, width) of a convolution, (out, in) of a
    dense layer, (channels,) of a norm.

    ``stored`` is their type in the file, ``scale_o`` what integers are brought back by: one number, or one a channel.
    ``folded`` says that a norm was folded into them when the file was made, so that they are not those of the training.
    """

    index: int
    title: str
    name: str
    operator: str
    weights_o: NDArray[np.float32]
    biases_o: NDArray[np.float32] | None
    stored: str
    scale_o: NDArray[np.float32] | None
    folded: bool

    @property
    def is_convolution(self) -> bool:
        """Whether these are kernels of two dimensions."""
        return self.weights_o.ndim == 4


def weights(network: Network) -> list[Weights]:
    """Return the weights of every layer that has some, in order of computation; norms that are not folded included.

    What several layers share, as the levels of a pyramid do, is there once.
    """
    found = (one for layer in network.layers for one in _of_layer(network, layer))
    unique: dict[tuple[str, int], Weights] = {}
    for one in found:
        unique.setdefault((one.name, one.index if one.operator in NORMS else 0), one)
    return list(unique.values())


def _of_layer(network: Network, layer: Layer) -> Iterator[Weights]:
    nodes = [network.nodes[name] for name in layer.nodes]
    for place, node in enumerate(nodes):
        if node.op_type in NORMS:
            scale, shift = (network.constants.array(name) for name in node.input[1:3])
            if scale is not None:
                yield _made(layer, node, node.input[1], np.asarray(scale, np.float32), shift, "float32", None)
        elif node.op_type in PRODUCTS:
            found = _product(network.constants, layer, node, nodes[place + 1 :])
            if found is not None:
                yield found


def _product(constants: Constants, layer: Layer, node: onnx.NodeProto, after: list[onnx.NodeProto]) -> Weights | None:
    name = node.input[PRODUCTS[node.op_type][1]]
    stored = constants.integers(name) or _bare_integers(constants, node, after)
    real = stored[1].real(stored[0]) if stored else constants.array(name)
    if real is None:
        return None
    biases = _biases(constants, node, stored[1] if stored else None, after)
    kind, scale = (stored[0].dtype.name, stored[1].scale) if stored else (constants.stored(name), None)
    return _made(layer, node, name, _outputs_first(node, np.asarray(real, np.float32)), biases, kind, scale)


def _made(
    layer: Layer,
    node: onnx.NodeProto,
    name: str,
    weights_o: NDArray[np.float32],
    biases: NDArray[Any] | None,
    stored: str,
    scale: NDArray[np.float32] | None,
) -> Weights:
    biases_o = None if biases is None else np.asarray(biases, np.float32).reshape(-1)
    tensor = name.removesuffix("_DequantizeLinear_Output")
    slot = BIASES.get(node.op_type, len(node.input))
    folded = len(node.input) > slot and node.input[slot] == f"{tensor}{FOLDED}"
    return Weights(layer.index, layer.title, tensor, node.op_type, weights_o, biases_o, stored, scale, folded)


def _bare_integers(
    constants: Constants, node: onnx.NodeProto, after: list[onnx.NodeProto]
) -> tuple[NDArray[Any], Scaling] | None:
    """Return the integers of an operator that takes them without a dequantizer."""
    integers = constants.array(node.input[PRODUCTS[node.op_type][1]])
    if integers is None or node.op_type not in (*INTEGER_SCALES, *DYNAMIC):
        return None
    axis = _channel_axis(node, integers.ndim)
    if slots := INTEGER_SCALES.get(node.op_type):
        found = constants.scaling(node, *slots)
        return None if found is None else (integers, Scaling(found.scale, found.zero, axis))
    zero = constants.array(node.input[3]) if len(node.input) > 3 and node.input[3] else None
    scale = _scale_after(constants, after)
    return integers, Scaling(scale, np.zeros((), integers.dtype) if zero is None else zero, axis)


def _scale_after(constants: Constants, after: list[onnx.NodeProto]) -> NDArray[np.float32]:
    """Return the constant part of the scale that the sums of integers are multiplied by: that of the weights."""
    for node in after:
        makers = [constants.made_by.get(name) for name in node.input] if node.op_type == "Mul" else []
        for name in (name for maker in makers if maker is not None and maker.op_type == "Mul" for name in maker.input):
            if (found := constants.array(name)) is not None:
                return np.asarray(found, np.float32)
    return np.ones((), np.float32)


def _biases(
    constants: Constants, node: onnx.NodeProto, scaling: Scaling | None, after: list[onnx.NodeProto]
) -> NDArray[Any] | None:
    slot = BIASES.get(node.op_type)
    if slot is not None and len(node.input) > slot and node.input[slot]:
        found = constants.array(node.input[slot])
        if found is None or scaling is None or node.op_type not in INTEGER_SCALES:
            return found
        taken = constants.array(node.input[1])  # the sums are integers of both scales
        return None if taken is None else found * np.asarray(taken) * scaling.scale
    if node.op_type in BIASES and node.op_type not in ("Gemm",):
        return None
    added = [one for one in after if one.op_type == "Add" and one.op_type in ARITHMETIC]
    return next((found for one in added for name in one.input if (found := constants.array(name)) is not None), None)


def _outputs_first(node: onnx.NodeProto, values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(np.moveaxis(values, _channel_axis(node, values.ndim), 0))


def _channel_axis(node: onnx.NodeProto, dimensions: int) -> int:
    """Return the axis of the weights that counts output channels."""
    if node.op_type == "ConvTranspose":
        return 1
    transposed = any(part.name == "transB" and part.i for part in node.attribute)
    axis = 0 if transposed else PRODUCTS[node.op_type][2] or 0
    return axis % dimensions
