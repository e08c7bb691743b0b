"""NVIDIA GPUs through CUDA; its libraries may come from the pip packages of the ``gpu`` extra."""

from edgecnn.runtime import engine

ORT_NAME = "CUDAExecutionProvider"
EXTRA = "gpu"


def options(threads: int) -> dict[str, str]:
    """Search the fastest cuDNN convolution once a shape; the CPU's threads do not matter."""
    return {"cudnn_conv_algo_search": "EXHAUSTIVE"}


def prepare() -> None:
    """Find the CUDA and cuDNN libraries of the pip packages; the system's own are found without."""
    engine.onnxruntime().preload_dlls()
