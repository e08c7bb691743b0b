"""Small image classifiers from data set to edge device.

``edgecnn.load(path)``, or a model of the zoo as in ``edgecnn.load("mnist-compact")``, gives a :class:`Classifier`; its
``predict(frame)`` gives a :class:`Prediction`. ``edgecnn.load_detector`` gives a :class:`Detector` in the same way, and
``edgecnn.read_card`` gives what a file says of itself, a :class:`ModelCard`, without an engine. Names are looked up on
first use, so that ``import edgecnn`` costs nothing and never brings in what only training needs.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

from edgecnn.version import __version__

if TYPE_CHECKING:
    from edgecnn.card import ModelCard
    from edgecnn.errors import EdgecnnError
    from edgecnn.metadata import read_card
    from edgecnn.runtime.classifier import Classifier, Prediction, load
    from edgecnn.runtime.detector import Detections, Detector, load_detector

# ONNX Runtime from 1.32 on keeps a record of its use in the home folder and sends it away, unless this is there before
# it is imported. Every module of the package, and every process that one starts, comes after this line.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = [
    "Classifier",
    "Detections",
    "Detector",
    "EdgecnnError",
    "ModelCard",
    "Prediction",
    "__version__",
    "load",
    "load_detector",
    "read_card",
]  # fmt: skip

_HOMES = {
    "Classifier": "edgecnn.runtime.classifier",
    "EdgecnnError": "edgecnn.errors",
    "Detector": "edgecnn.runtime.detector",
    "Detections": "edgecnn.runtime.detector",
    "ModelCard": "edgecnn.card",
    "Prediction": "edgecnn.runtime.classifier",
    "load": "edgecnn.runtime.classifier",
    "load_detector": "edgecnn.runtime.detector",
    "read_card": "edgecnn.metadata",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'edgecnn' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
