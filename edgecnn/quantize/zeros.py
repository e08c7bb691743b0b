"""Zero points of biases, which are nothing but zeros, stored once for each length.

The quantizer writes four bytes of them for each channel. Those of weights stay each by themselves: what computes int8
exactly on a processor that saturates (``edgecnn.runtime.int8``) changes them with their weights.
"""

import numpy as np
import onnx
from onnx import numpy_helper

Shape = tuple[int, ...]


def stored_once(graph: bytes) -> bytes:
    """Return a serialized model whose nodes share int32 initializers of several zeros, where the shape is the same."""
    model = onnx.load_model_from_string(graph)
    if any(attribute.HasField("g") or attribute.graphs for node in model.graph.node for attribute in node.attribute):
        return graph  # a graph within may use the names of this one
    fixed = {value.name for value in (*model.graph.input, *model.graph.output)}
    first: dict[Shape, str] = {}
    instead: dict[str, str] = {}
    for tensor in model.graph.initializer:
        if tensor.name not in fixed and _is_zeros(tensor):
            instead[tensor.name] = first.setdefault(tuple(tensor.dims), tensor.name)
    for node in model.graph.node:
        node.input[:] = [instead.get(name, name) for name in node.input]
    kept = [tensor for tensor in model.graph.initializer if instead.get(tensor.name, tensor.name) == tensor.name]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    smaller: bytes = model.SerializeToString()
    return smaller


def _is_zeros(tensor: onnx.TensorProto) -> bool:
    is_several = tensor.data_type == onnx.TensorProto.INT32 and np.prod(tensor.dims) > 1
    return bool(is_several) and not numpy_helper.to_array(tensor).any()
