"""Small image classifiers from data set to edge device.

``edgecnn.load(path)``, or a model of the zoo as in ``edgecnn.load("mnist-compact")``, gives a :class:`Classifier`; its
``predict(frame)`` gives a :class:`Prediction`. Names are looked up on first use, so that ``import edgecnn`` costs
nothing and never brings in what only training needs.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgecnn.card import ModelCard
    from edgecnn.errors import EdgecnnError
    from edgecnn.runtime.classifier import Classifier, Prediction, load

__version__ = "0.1.0"

__all__ = ["Classifier", "EdgecnnError", "ModelCard", "Prediction", "__version__", "load"]

_HOMES = {
    "Classifier": "edgecnn.runtime.classifier",
    "EdgecnnError": "edgecnn.errors",
    "ModelCard": "edgecnn.card",
    "Prediction": "edgecnn.runtime.classifier",
    "load": "edgecnn.runtime.classifier",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'edgecnn' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
