"""fp16, for size: weights as float16, and a Cast to float32 behind each, which a session does once, when it loads the
file. So it computes as the float32 file does, on every processor, at half the bytes. Converters that have the layers
themselves compute in float16 need kernels for it, which ONNX Runtime's processor lacks for convolutions.
"""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgecnn.quantize.forms import Parent

NAME = "fp16"
AUTOMATIC = True
CALIBRATED = False
BATCH_DEPENDENT = False
SEARCHED = False

STORED = "_fp16"  # what the name of a tensor as it is stored ends in
LEAST = 256  # values of a tensor: with fewer, the Cast takes about as many bytes as it saves, and norms stay exact
LARGEST = float(np.finfo(np.float16).max)


def unfit(parent: Parent) -> str | None:
    """A model whose tensors are all small, or beyond what float16 can hold, has no such form."""
    tensors = onnx.load_model_from_string(parent.graph).graph.initializer
    return None if any(map(_halves, tensors)) else f"has no weights of {LEAST} values or more that float16 can hold"


def build(parent: Parent, images_nhwc: NDArray[np.uint8]) -> bytes:
    """Round the weights to the nearest float16; all else stays as it is."""
    model = onnx.load_model_from_string(parent.graph)
    halved = [tensor for tensor in model.graph.initializer if _halves(tensor)]
    casts = [
        helper.make_node("Cast", [tensor.name + STORED], [tensor.name], tensor.name + "_cast", to=TensorProto.FLOAT)
        for tensor in halved
    ]
    for tensor in halved:
        rounded = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(rounded, tensor.name + STORED))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return bytes(model.SerializeToString())


def _halves(tensor: onnx.TensorProto) -> bool:
    if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < LEAST:
        return False
    return bool(np.abs(numpy_helper.to_array(tensor)).max() <= LARGEST)
