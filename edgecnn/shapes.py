"""The shapes of all values of a graph for one input of a known size, without running it.

ONNX's own shape inference stops where a size is computed from another one, as a pyramid's levels are from its frame.
Here such small computations are done as soon as what they need is known, and inference goes on from there.
"""

import math

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

Shape = tuple[int | str, ...]

LARGEST = 64  # elements: what computes with sizes is small, and whatever is larger is no size
ARITHMETIC = frozenset(
    (
        "Add",
        "Cast",
        "Ceil",
        "Concat",
        "Div",
        "Floor",
        "Gather",
        "Identity",
        "Max",
        "Min",
        "Mod",
        "Mul",
        "ReduceMax",
        "ReduceMin",
        "ReduceProd",
        "Reshape",
        "Round",
        "Slice",
        "Squeeze",
        "Sub",
        "Unsqueeze",
    )
)


def fixed_shapes(model: onnx.ModelProto, input_shape: tuple[int, ...]) -> dict[str, Shape]:
    """Return the shape of every value by its name, with the model's one input of that shape.

    Sides that follow from the content of an image stay words.
    """
    light = _light(model, input_shape)
    known = {tensor.name: numpy_helper.to_array(tensor) for tensor in light.graph.initializer if _is_small(tensor)}
    while True:
        inferred = onnx.shape_inference.infer_shapes(light, data_prop=True).graph
        shapes = {value.name: _shape(value) for value in (*inferred.input, *inferred.value_info, *inferred.output)}
        found = _computed(light.graph, shapes, known)
        if not found:
            return shapes
        known |= found
        nodes = [node for node in light.graph.node if node.output[0] not in found]
        del light.graph.node[:]
        light.graph.node.extend(nodes)
        light.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in found.items())


def _light(model: onnx.ModelProto, input_shape: tuple[int, ...]) -> onnx.ModelProto:
    """Copy a model without the content of its weights, and with nothing said of shapes but the input's."""
    light = onnx.ModelProto()
    light.CopyFrom(model)
    del light.metadata_props[:]
    del light.graph.value_info[:]
    for tensor in light.graph.initializer:
        if not _is_small(tensor):
            tensor.ClearField("raw_data")
    for output in light.graph.output:
        output.type.tensor_type.ClearField("shape")
    for dim, side in zip(light.graph.input[0].type.tensor_type.shape.dim, input_shape, strict=True):
        dim.dim_value = side
    return light


def _is_small(tensor: onnx.TensorProto) -> bool:
    return bool(math.prod(tensor.dims) <= LARGEST)


def _computed(
    graph: onnx.GraphProto, shapes: dict[str, Shape], known: dict[str, NDArray[np.generic]]
) -> dict[str, NDArray[np.generic]]:
    """Return what follows from known shapes and constants by arithmetic, one value after the other."""
    found: dict[str, NDArray[np.generic]] = {}
    for node in graph.node:
        if node.op_type == "Shape":
            sides = shapes.get(node.input[0], ("?",))
            if all(isinstance(side, int) for side in sides):
                limits = {attribute.name: attribute.i for attribute in node.attribute}
                found[node.output[0]] = np.array(sides, np.int64)[
                    limits.get("start", 0) : limits.get("end", len(sides))
                ]
        elif node.op_type in ARITHMETIC and all(name in known or name in found for name in node.input if name):
            values = {name: found.get(name, known.get(name)) for name in node.input if name}
            (result,) = ReferenceEvaluator(node).run(None, values)
            if np.size(result) <= LARGEST:
                found[node.output[0]] = np.asarray(result)
    return found


def _shape(value: onnx.ValueInfoProto) -> Shape:
    return tuple(dim.dim_value or dim.dim_param or "?" for dim in value.type.tensor_type.shape.dim)
