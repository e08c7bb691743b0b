"""Files with one fault each, planted: a chain of convolutions, as anybody's quantizer makes them."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

SIDE, WIDTH, CLASSES = 16, 32, 10  # of the pictures, and the channels of each convolution
QUANTIZED = ("Conv", "Relu", "GlobalAveragePool", "Gemm", "Flatten")


class _Pixels(CalibrationDataReader):
    def __init__(self) -> None:
        self.left = iter([{"pixels": np.random.default_rng(1).random((8, 3, SIDE, SIDE)).astype(np.float32)}])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.left, None)


def chain(second: int | None = None, applied: Sequence[str] = ("Relu",) * 4, opset: int = 21) -> onnx.ModelProto:
    """Four convolutions, conv0 to conv3, with act0 to act3 behind them, a mean and a dense layer; ``second`` are the
    channels of conv1, where these are others."""
    widths = (WIDTH, second or WIDTH, WIDTH, WIDTH)
    draw, nodes, tensors, value, channels = np.random.default_rng(0), [], [], "pixels", 3

    def constant(name: str, *shape: int, scale: float) -> str:
        tensors.append(numpy_helper.from_array(draw.normal(0, scale, shape).astype(np.float32), name))
        return name

    for place, (width, operator) in enumerate(zip(widths, applied, strict=True)):
        kernel = constant(f"k{place}", width, channels, 3, 3, scale=(2 / (9 * channels)) ** 0.5)
        taken = [value, kernel, constant(f"b{place}", width, scale=0.1)]
        nodes.append(helper.make_node("Conv", taken, [f"c{place}"], f"conv{place}", kernel_shape=[3, 3], pads=[1] * 4))
        nodes.append(helper.make_node(operator, [f"c{place}"], [f"r{place}"], f"act{place}"))
        value, channels = f"r{place}", width
    dense = [constant("w", channels, CLASSES, scale=0.3), constant("wb", CLASSES, scale=0.3)]
    nodes += [
        helper.make_node("GlobalAveragePool", [value], ["p"], "pool"),
        helper.make_node("Flatten", ["p"], ["f"], "flat"),
        helper.make_node("Gemm", ["f", *dense], ["scores"], "dense"),
    ]
    taken = helper.make_tensor_value_info("pixels", onnx.TensorProto.FLOAT, ["N", 3, SIDE, SIDE])
    given = helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, ["N", CLASSES])
    made = helper.make_graph(nodes, "chain", [taken], [given], tensors)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def static(
    model: onnx.ModelProto,
    path: Path,
    left_out: Sequence[str] = (),
    *,
    reduce_range: bool = True,
    activations: QuantType = QuantType.QUInt8,
    weights: QuantType = QuantType.QInt8,
) -> None:
    """Write the static form, without the dense layer and what else is left out."""
    parent = path.with_suffix(".parent")
    onnx.save(model, parent)
    logging.disable(logging.WARNING)
    try:
        quantize_static(
            parent, path, _Pixels(), quant_format=QuantFormat.QDQ, per_channel=True, reduce_range=reduce_range,
            activation_type=activations, weight_type=weights, nodes_to_exclude=["dense", *left_out],
            op_types_to_quantize=list(QUANTIZED),
        )  # fmt: skip
    finally:
        logging.disable(logging.NOTSET)


def _unfused(path: Path) -> None:
    """Take the quantizer behind conv1 away, so that its GELU gets floats."""
    static(chain(applied=("Relu", "Gelu", "Relu", "Relu")), path)
    model = onnx.load(path)
    for node in [node for node in model.graph.node if node.name in ("c1_QuantizeLinear", "c1_DequantizeLinear")]:
        model.graph.node.remove(node)
    next(node for node in model.graph.node if node.name == "act1").input[0] = "c1"
    onnx.save(model, path)


def _narrow(path: Path) -> None:
    """Give the integers behind conv1 a quarter of their range, and those of the bias behind the same scale."""
    static(chain(), path)
    model = onnx.load(path)
    factors = {"r1_scale": 0.25, "b2_quantized_scale": 0.25, "b2_quantized": 4}
    changed = [one for one in model.graph.initializer if one.name in factors]
    assert len(changed) == len(factors)
    for tensor in changed:
        values = numpy_helper.to_array(tensor)
        scaled = (values * factors[tensor.name]).astype(values.dtype)
        tensor.CopyFrom(numpy_helper.from_array(scaled, tensor.name))
    onnx.save(model, path)


def _dynamic(path: Path) -> None:
    parent = path.with_suffix(".parent")
    onnx.save(chain(), parent)
    logging.disable(logging.WARNING)
    try:
        quantize_dynamic(parent, path, op_types_to_quantize=["Conv"], weight_type=QuantType.QUInt8)
    finally:
        logging.disable(logging.NOTSET)


MADE: dict[str, Callable[[Path], object]] = {
    "good-float": lambda path: onnx.save(chain(), path),
    "good-int8": lambda path: static(chain(), path),
    "island": lambda path: static(chain(), path, ("conv1", "act1", "conv2", "act2")),
    "gelu": lambda path: static(chain(applied=("Relu", "Gelu", "Relu", "Relu")), path),
    "abs": lambda path: static(chain(applied=("Relu", "Abs", "Relu", "Relu")), path),
    "unfused": _unfused,
    "odd": lambda path: onnx.save(chain(WIDTH - 2), path),
    "padded": lambda path: onnx.save(chain(WIDTH - 12), path),
    "filled": lambda path: onnx.save(chain(WIDTH - 16), path),
    "layout": lambda path: onnx.save(chain(applied=("Relu", "Abs", "Relu", "Relu")), path),
    "full-range": lambda path: static(chain(), path, reduce_range=False),
    "unsigned": lambda path: static(chain(), path, weights=QuantType.QUInt8),
    "wide": lambda path: static(chain(), path, activations=QuantType.QUInt16),
    "narrow": _narrow,
    "old": lambda path: static(chain(opset=17), path),
    "dynamic": _dynamic,
}
