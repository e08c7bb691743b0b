"""ONNX Runtime in a plain session, as any program opens one: its defaults, and so many threads."""

from pathlib import Path

from edgecnn.bench.runtimes._found import Opened, installed
from edgecnn.runtime import engine

TITLE = "ONNX Runtime, plain session"
INSTALL = "pip install onnxruntime"


def version() -> str | None:
    """Return which one is installed."""
    return installed("onnxruntime")


def opened(model: Path, threads: int) -> Opened:
    """Open a session with nothing set but the number of threads."""
    ort = engine.onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return Opened(lambda outputs, inputs: session.run(list(outputs), dict(inputs)))
