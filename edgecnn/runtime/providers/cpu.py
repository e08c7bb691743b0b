"""ONNX Runtime's own CPU kernels."""

ORT_NAME = "CPUExecutionProvider"
EXTRA = "cpu"


def options(threads: int) -> dict[str, str]:
    """The session's own thread count is all it needs."""
    return {}


def prepare() -> None:
    """Nothing to load."""
