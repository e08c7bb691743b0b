"""OpenVINO as it comes: in bfloat16 where the processor computes with it."""

from pathlib import Path

from edgecnn.bench.runtimes import _openvino
from edgecnn.bench.runtimes._found import Opened, installed

TITLE, INSTALL = "OpenVINO", _openvino.INSTALL


def version() -> str | None:
    """Return which one is installed."""
    return installed("openvino")


def opened(model: Path, threads: int) -> Opened:
    """Compile a file with the precision that OpenVINO chooses."""
    return _openvino.opened(model, threads, {})
