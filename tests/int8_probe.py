"""The model that asks ONNX Runtime whether it saturates int8 sums; ``edgecnn.runtime.int8.PROBE`` is what this makes.

``python tests/int8_probe.py`` prints it as it stands there.
"""

import base64
import zlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CHANNELS = 16
TOP = 127  # the weight; two of them times 255 do not fit 16 bits
STEP = CHANNELS * 255 * TOP / 200  # what the products are quantized with, so that the right answer is 200


def build() -> bytes:
    """Return a model: x, uint8 (1, 16, 1, 1), by int8 weights, once through each kernel that multiplies int8."""
    square = np.full((CHANNELS, CHANNELS), TOP, np.int8)
    constants = {
        "one": np.float32(1), "step": np.float32(STEP), "u": np.uint8(0), "flat": np.array([1, CHANNELS], np.int64),
        "wc": square[..., None, None], "wm": square, "wg": square, "wi": square,
        "zc": np.int8(0), "zm": np.int8(0), "zg": np.int8(0),  # each its own: the exact mode refuses shared ones
    }  # fmt: skip
    nodes = [
        ("DequantizeLinear", ["x", "one", "u"], "xf"),
        ("DequantizeLinear", ["wc", "one", "zc"], "wcf"),
        ("Conv", ["xf", "wcf"], "c"),
        ("QuantizeLinear", ["c", "step", "u"], "conv"),
        ("Reshape", ["x", "flat"], "r"),
        ("DequantizeLinear", ["r", "one", "u"], "rf"),
        ("DequantizeLinear", ["wm", "one", "zm"], "wmf"),
        ("MatMul", ["rf", "wmf"], "m"),
        ("QuantizeLinear", ["m", "step", "u"], "matmul"),
        ("DequantizeLinear", ["wg", "one", "zg"], "wgf"),
        ("Gemm", ["rf", "wgf"], "g"),
        ("QuantizeLinear", ["g", "step", "u"], "gemm"),
        ("MatMulInteger", ["r", "wi"], "integer"),
    ]
    flat, cube = [1, CHANNELS], [1, CHANNELS, 1, 1]
    outputs = [
        helper.make_tensor_value_info("conv", TensorProto.UINT8, cube),
        helper.make_tensor_value_info("matmul", TensorProto.UINT8, flat),
        helper.make_tensor_value_info("gemm", TensorProto.UINT8, flat),
        helper.make_tensor_value_info("integer", TensorProto.INT32, flat),
    ]
    graph = helper.make_graph(
        [helper.make_node(operator, inputs, [output]) for operator, inputs, output in nodes],
        "int8",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, cube)],
        outputs,
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="edgecnn")
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    text = base64.b85encode(zlib.compress(build(), 9)).decode("ascii")
    print("\n".join(text[start : start + 100] for start in range(0, len(text), 100)))
