"""OpenCV's dnn module, with the engine that it chooses."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edgecnn.bench.runtimes._found import Opened, installed

TITLE = "OpenCV dnn"
INSTALL = "pip install opencv-python-headless"
PACKAGES = ("opencv-python-headless", "opencv-python")


def version() -> str | None:
    """Return which one is installed."""
    found = (installed(package, "cv2") for package in PACKAGES)
    known = [one for one in found if one is not None]
    return next((one for one in known if one[0].isdigit()), known[0] if known else None)


def opened(model: Path, threads: int) -> Opened:
    """Read a file into OpenCV, which has one number of threads for all that it does."""
    import cv2

    cv2.setNumThreads(threads)
    network = cv2.dnn.readNetFromONNX(str(model))

    def run(outputs: Sequence[str], inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        for name, array in inputs.items():
            network.setInput(array, name)
        return [network.forward(name) for name in outputs]

    return Opened(run)
