"""tools/processor.py: the kernels of a processor without VNNI, on whatever this one is."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[1] / "tools" / "processor.py"
SUMS = """
import numpy as np, onnx, onnxruntime
from onnx import TensorProto, helper, numpy_helper
weights = numpy_helper.from_array(np.full((64, 64), 127, np.int8), "w")
graph = helper.make_graph(
    [helper.make_node("MatMulInteger", ["x", "w"], ["y"])], "sums",
    [helper.make_tensor_value_info("x", TensorProto.UINT8, [1, 64])],
    [helper.make_tensor_value_info("y", TensorProto.INT32, [1, 64])], [weights],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
found, = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": np.full((1, 64), 255, np.uint8)})
print(found[0, 0], "avx512f" in open("/proc/cpuinfo").read(), "avx2" in open("/proc/cpuinfo").read())
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        platform.system() != "Linux" or platform.machine() != "x86_64" or not shutil.which("gcc"),
        reason="replaces cpuid instructions of x86-64 libraries on Linux, with gcc",
    ),
]


def test_int8_sums_saturate_without_vnni() -> None:
    assert _told("avx2") == [str(32 * 32767), "False", "True"]


def test_int8_sums_are_exact_before_avx() -> None:
    assert _told("sse") == [str(64 * 255 * 127), "False", "False"]


def test_a_process_can_still_die_of_an_illegal_instruction() -> None:
    code = "import ctypes, mmap; m = mmap.mmap(-1, 4096, prot=7); m.write(b'\\x0f\\x0b'); "
    code += "ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()"
    ended = subprocess.run([sys.executable, TOOL, "avx2", "--", sys.executable, "-c", code], check=False)
    assert ended.returncode == -4


def test_a_python_without_onnx_runtime_emulates_nothing_and_says_so() -> None:
    ended = subprocess.run(
        [sys.executable, "-S", TOOL, "avx2", "--", "true"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "has no ONNX Runtime" in ended.stderr


def _told(level: str) -> list[str]:
    command = [sys.executable, TOOL, level, "--", sys.executable, "-c", SUMS]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.split()
