"""Classifiers as others make them: small ones, written node by node, whose weights are fixed or learned in a second."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

CLASSES = 10
LABELS = tuple("0123456789")
KINDS = {"float": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "double": TensorProto.DOUBLE,
         "uint8": TensorProto.UINT8, "int64": TensorProto.INT64}  # fmt: skip


def weights(channels: int, side: int = 28, classes: int = CLASSES) -> dict[str, NDArray[np.float32]]:
    """Return those of a convolution of stride 4 and a dense layer, the same every time."""
    generator = np.random.default_rng(1)
    wide = 4 * (side // 4) ** 2
    return {
        "conv.weight": generator.normal(0, 0.5, (4, channels, 4, 4)).astype(np.float32),
        "conv.bias": generator.normal(0, 0.5, 4).astype(np.float32),
        "dense.weight": generator.normal(0, 0.2, (wide, classes)).astype(np.float32),
        "dense.bias": generator.normal(0, 0.5, classes).astype(np.float32),
    }


def classifier(
    path: Path, *, channels: int = 1, side: int = 28, layout: str = "nchw", batch: int | str = "batch", opset: int = 17,
    ir_version: int = 8, end: str = "", kind: str = "float", input_name: str = "input", output_name: str = "output",
    classes: int = CLASSES, weights_are_inputs: bool = False, metadata: dict[str, str] | None = None,
    baked: bool = False,
) -> Path:  # fmt: skip
    """Write a network that ends in a dense layer, or in ``end`` after it. ``baked`` reshapes to the very batch that the
    file is fixed to, as old exporters do."""
    parts = weights(channels, side, classes)
    wide = len(parts["dense.weight"])
    constants = [numpy_helper.from_array(value, name) for name, value in parts.items()]
    constants.append(numpy_helper.from_array(np.array([batch if baked else 0, wide], np.int64), "shape"))
    nodes, source = [], input_name
    if kind not in ("float",):
        nodes.append(helper.make_node("Cast", [source], ["as_float"], to=TensorProto.FLOAT))
        source = "as_float"
    if layout == "nhwc":
        nodes.append(helper.make_node("Transpose", [source], ["planes"], perm=[0, 3, 1, 2]))
        source = "planes"
    last = "dense" if end else output_name
    nodes += [
        helper.make_node("Conv", [source, "conv.weight", "conv.bias"], ["conv"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("Reshape", ["relu", "shape"], ["flat"]),
        helper.make_node("Gemm", ["flat", "dense.weight", "dense.bias"], [last]),
    ]
    nodes += [helper.make_node(end, [last], [output_name], **({} if end == "Sigmoid" else {"axis": 1}))] if end else []
    sides = [channels, side, side] if layout == "nchw" else [side, side, channels]
    inputs = [helper.make_tensor_value_info(input_name, KINDS[kind], [batch, *sides])]
    if weights_are_inputs:  # as IR 3 has them
        inputs += [helper.make_tensor_value_info(one.name, one.data_type, one.dims) for one in constants]
    outputs = [helper.make_tensor_value_info(output_name, TensorProto.FLOAT, [batch, classes])]
    return written(path, nodes, inputs, outputs, constants, opset=opset, ir_version=ir_version, metadata=metadata)


def written(
    path: Path, nodes: list[onnx.NodeProto], inputs: list[Any], outputs: list[Any], constants: list[TensorProto], *,
    opset: int = 17, ir_version: int = 8, metadata: dict[str, str] | None = None,
) -> Path:  # fmt: skip
    """Write a model of some other program."""
    graph = helper.make_graph(nodes, "main_graph", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="somebody")
    model.ir_version = ir_version
    helper.set_model_props(model, metadata or {})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def linear(path: Path, coefficients_kd: NDArray[Any], intercepts_k: NDArray[Any], *, side: int = 28) -> Path:
    """Write a linear classifier of gray pictures, 0..1, as one dense layer."""
    constants = [
        numpy_helper.from_array(coefficients_kd.T.astype(np.float32), "weight"),
        numpy_helper.from_array(intercepts_k.astype(np.float32), "bias"),
    ]
    nodes = [
        helper.make_node("Flatten", ["pixels"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weight", "bias"], ["scores"]),
    ]
    inputs = [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 1, side, side])]
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", len(intercepts_k)])]
    return written(path, nodes, inputs, outputs, constants)
