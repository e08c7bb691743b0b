"""Small image classifiers and detectors, from a data set to a verified file on a device.

The way from images to a file, one function for each step; each takes files and makes a file, and says in its help,
with an example, what comes out::

    edgecnn.train      a recipe and a data set  ->  a run: a folder with checkpoints and the figures of every epoch
    edgecnn.export     a run                    ->  model.onnx, proven to answer as the run does, with its card inside
    edgecnn.adopt      a file of others         ->  model.onnx, proven to answer as theirs does
    edgecnn.quantize   model.onnx               ->  a smaller and faster model.onnx, where one is not worse
    edgecnn.tune       model.onnx               ->  the fastest file for a machine, with the settings to run it with
    edgecnn.verify     two models               ->  how much accuracy is lost, and whether that is sure
    edgecnn.bench      models                   ->  latency, throughput, cold start and memory, side by side
    edgecnn.report     model.onnx               ->  a page with pictures, and whether it can be shipped
    edgecnn.leaderboard  models                 ->  their order by score, against latency and size
    edgecnn.embed      model.onnx               ->  a starter project in Python, C, C++, Node.js, a page, a server
    edgecnn.explain    a model and an image     ->  why it answers so: the parts it rests on, similar images, its maps

Using a file, for which NumPy and ONNX Runtime are enough::

    edgecnn.load("mnist-compact").predict(frame)         a Classifier, and a Prediction of a frame of any size
    edgecnn.load_detector("digit-finder").detect(frame)  a Detector, and its Detections: boxes, scores and crops
    edgecnn.read_card("mnist-compact")                   what a file says of itself, a ModelCard, without an engine
    edgecnn.digits                                       digits anywhere in a frame, as text

A model is named by its path, or by its name in the zoo (``edgecnn list models``). What goes wrong is an EdgecnnError
(``edgecnn.errors``), which says what was found, what was expected and what to do. Nothing is imported before it is
used: ``from edgecnn import train`` brings in PyTorch once it is called. Threads, random state, environment, logging and
warnings of your process are after each call as they were before.
"""

import importlib
from typing import TYPE_CHECKING, Any

from edgecnn.version import __version__

if TYPE_CHECKING:
    from edgecnn.adopt import adopt
    from edgecnn.bench import bench
    from edgecnn.card import ModelCard
    from edgecnn.embed import embed
    from edgecnn.errors import EdgecnnError
    from edgecnn.explain import explain
    from edgecnn.export import export
    from edgecnn.metadata import read_card
    from edgecnn.quantize import quantize
    from edgecnn.report import report
    from edgecnn.report.leaderboard import leaderboard
    from edgecnn.runtime.classifier import Classifier, Prediction, load
    from edgecnn.runtime.detector import Detections, Detector, load_detector
    from edgecnn.train import train
    from edgecnn.tune import tune
    from edgecnn.verify import verify

__all__ = [
    "Classifier", "Detections", "Detector", "EdgecnnError", "ModelCard", "Prediction", "__version__", "adopt", "bench",
    "embed", "explain", "export", "leaderboard", "load", "load_detector", "quantize", "read_card", "report", "train",
    "tune", "verify",
]  # fmt: skip

_FORMER = {"Finder": "Detector", "Finds": "Detections", "load_finder": "load_detector"}  # gone with the next release

_STAGES = (  # packages that are called: see edgecnn.lazy
    "adopt", "bench", "embed", "explain", "export", "quantize", "report", "train", "tune", "verify",
)  # fmt: skip

_HOMES = {
    "Classifier": "edgecnn.runtime.classifier",
    "EdgecnnError": "edgecnn.errors",
    "Detector": "edgecnn.runtime.detector",
    "Detections": "edgecnn.runtime.detector",
    "ModelCard": "edgecnn.card",
    "Prediction": "edgecnn.runtime.classifier",
    "leaderboard": "edgecnn.report.leaderboard",
    "load": "edgecnn.runtime.classifier",
    "load_detector": "edgecnn.runtime.detector",
    "read_card": "edgecnn.metadata",
}


def __getattr__(name: str) -> Any:
    if name in _STAGES:
        return importlib.import_module(f"edgecnn.{name}")
    if name in _FORMER:
        raise AttributeError(f"edgecnn.{name} is called edgecnn.{_FORMER[name]} now")
    if name not in _HOMES:
        raise AttributeError(f"module 'edgecnn' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
