"""OpenVINO held to float32, as ONNX Runtime computes."""

from pathlib import Path

from edgecnn.bench.runtimes import _openvino
from edgecnn.bench.runtimes._found import Opened, installed

TITLE, INSTALL = "OpenVINO in float32", _openvino.INSTALL


def version() -> str | None:
    """Return which one is installed."""
    return installed("openvino")


def opened(model: Path, threads: int) -> Opened:
    """Compile a file without bfloat16."""
    return _openvino.opened(model, threads, _openvino.FLOAT32)
