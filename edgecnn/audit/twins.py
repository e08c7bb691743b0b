"""How much faster a convolution runs with signed weights than with unsigned ones here: both are made and timed."""

import time

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from edgecnn.runtime.session import OpenModel, open_model

BLOCKS, CALLS, WARM_UP = 9, 5, 3


def signed_over_unsigned(weight_shape: tuple[int, ...], height: int, width: int) -> float:
    """Return the time with int8 weights over that with uint8 weights, of a convolution with outputs of that size on one
    thread: the least of blocks of calls in turns."""
    opened = [open_model(_convolution(weight_shape, height, width, kind), thread_count=1) for kind in ("int8", "uint8")]
    channels = weight_shape[1]
    fed = {"x": np.random.default_rng(0).integers(0, 256, (1, channels, height, width), np.uint8)}
    for one in opened:
        _block(one, fed, WARM_UP)
    blocks = np.array([[_block(one, fed, CALLS) for one in opened] for _ in range(BLOCKS)])
    signed, unsigned = blocks.min(axis=0)
    return float(signed / unsigned)


def _block(opened: OpenModel, fed: dict[str, np.ndarray], calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        opened.run(["y"], fed)
    return time.perf_counter() - started


def _convolution(shape: tuple[int, ...], height: int, width: int, kind: str) -> bytes:
    """Return a QLinearConv of stride one whose output is as large as its input."""
    zero = np.zeros((), kind)
    weights = np.random.default_rng(1).integers(0, 64, shape).astype(kind)
    constants = {
        "scale": np.float32(0.05), "zero": np.uint8(0), "weights": weights, "weight_zero": zero,
    }  # fmt: skip
    taken = ["x", "scale", "zero", "weights", "scale", "weight_zero", "scale", "zero"]
    node = helper.make_node("QLinearConv", taken, ["y"], auto_pad="SAME_UPPER", kernel_shape=shape[2:])
    sides = [helper.make_tensor_value_info(name, TensorProto.UINT8, [1, n, height, width]) for name, n in
             (("x", shape[1]), ("y", shape[0]))]  # fmt: skip
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph([node], "convolution", sides[:1], sides[1:], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return bytes(model.SerializeToString())
