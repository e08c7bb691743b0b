"""A program that uses edgecnn, with settings of its own: a line for each call that leaves one of them another.

``python tests/host.py MODEL`` in an empty folder, which it fills. What other packages set when they are imported is
theirs: they are imported first.
"""

import ctypes
import gc
import importlib
import importlib.abc
import locale
import logging
import multiprocessing
import os
import pkgutil
import random
import signal
import socket
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import matplotlib
import numpy as np
import onnxscript  # noqa: F401
import scipy.stats  # noqa: F401
import sklearn.metrics  # noqa: F401
import sympy  # noqa: F401
import torch
import torchvision  # noqa: F401
from PIL import Image

VARIABLE = "ORT_DISABLE_TELEMETRY"
MAPPED = 64 << 20  # bytes that malloc of a fresh process maps
RUN, MODEL, QUANTIZED = "runs/digits", "digits.onnx", "digits-int8.onnx"
FIELDS = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
SMALL = {"epochs": 1, "data.subset": 400}
STUDY = 'recipe = "digits-compact"\n[set]\nepochs = 1\n"data.subset" = 400\n[grid]\nbatch_size = [32, 64]\n'
reported: list[bool] = []


class Watch(importlib.abc.MetaPathFinder):
    """Note whether ONNX Runtime may report, when it is looked for to be imported."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> None:
        if name == "onnxruntime":
            reported.append(os.environ.get(VARIABLE) != "1")


class Mallinfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in FIELDS]


def maps_large_blocks() -> bool | None:
    """Tell whether malloc gives a large block back to the system when it is freed, as it does unless it is told."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallinfo2"):
        return None
    library.mallinfo2.restype, library.malloc.restype = Mallinfo, ctypes.c_void_p
    before = library.mallinfo2().hblks
    block = ctypes.c_void_p(library.malloc(ctypes.c_size_t(MAPPED)))
    mapped = library.mallinfo2().hblks > before
    library.free(block)
    return mapped


def umask() -> int:
    found = os.umask(0)
    os.umask(found)
    return found


def loggers() -> dict[str, Any]:
    """Return how each logger is set, but for the one that PyTorch's exporter has for itself."""
    found: dict[str, Any] = {"": logging.root, **logging.root.manager.loggerDict}
    found = {name: each for name, each in found.items() if isinstance(each, logging.Logger)}
    return {
        name: (each.level, list(each.handlers), each.disabled)
        for name, each in found.items()
        if name != "torch.__trace"
    }


SETTINGS: dict[str, Callable[[], Any]] = {
    "threads of torch": torch.get_num_threads,
    "threads between operators": torch.get_num_interop_threads,
    "random state of torch": lambda: torch.get_rng_state().numpy().tobytes(),
    "random state of numpy": lambda: str(np.random.get_state()),
    "random state of Python": random.getstate,
    "default dtype": torch.get_default_dtype,
    "gradients": torch.is_grad_enabled,
    "deterministic algorithms": lambda: (
        torch.are_deterministic_algorithms_enabled(), torch.get_deterministic_debug_mode(),
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark, torch.backends.mkldnn.enabled,
        torch.get_float32_matmul_precision(),
    ),
    "allocator": maps_large_blocks,
    "environment": lambda: dict(os.environ),
    "OpenCV": lambda: (cv2.utils.logging.getLogLevel(), cv2.getNumThreads()),
    "loggers": loggers,
    "logging": lambda: (logging.root.manager.disable, logging.raiseExceptions),
    "warnings": lambda: (list(warnings.filters), warnings.showwarning),
    "signals": lambda: {number: signal.getsignal(number) for number in signal.valid_signals()},
    "locale": lambda: locale.setlocale(locale.LC_ALL),
    "matplotlib": lambda: {key: dict.__getitem__(matplotlib.rcParams, key) for key in matplotlib.rcParams},
    "numpy's errors": np.geterr,
    "Pillow": lambda: Image.MAX_IMAGE_PIXELS,
    "interpreter": lambda: (
        [path for path in sys.path if "onnxruntime" not in path],  # its transformers put themselves there
        sys.excepthook, threading.excepthook, sys.getrecursionlimit(), sys.getswitchinterval(),
        gc.isenabled(), gc.get_threshold(), sys.stdin, sys.stdout, sys.stderr,
    ),
    "process": lambda: (
        Path.cwd(), umask(), tempfile.gettempdir(), multiprocessing.get_start_method(allow_none=True),
        socket.getdefaulttimeout(), os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None,
    ),
}  # fmt: skip


def changed(before: dict[str, Any]) -> list[str]:
    """Return which settings are not as they were; loggers that are new are nobody's loss."""
    now = {name: read() for name, read in SETTINGS.items()}
    now["loggers"] = {name: now["loggers"].get(name) for name in before["loggers"]}
    found = [name for name in before if now[name] != before[name]]
    if "environment" in found:
        names = {name for name, _ in before["environment"].items() ^ now["environment"].items()}
        found[found.index("environment")] = f"environment {sorted(names)}"
    return found


def import_all() -> None:
    import edgecnn

    for module in pkgutil.walk_packages(edgecnn.__path__, "edgecnn."):
        if ".templates" not in module.name:
            importlib.import_module(module.name)
    importlib.import_module("brief").measure_briefly()


def fail(progress: object) -> None:
    raise ArithmeticError


def expect(error: type[Exception], call: Callable[[], object]) -> None:
    try:
        call()
    except error:
        return
    raise AssertionError("did not fail")


def study() -> None:
    from edgecnn.report.study import draw_study
    from edgecnn.study.read import read
    from edgecnn.study.run import run_study

    Path("small.toml").write_text(STUDY)
    result = run_study(read("small.toml"), Path("study"), jobs=1)
    assert not result.failed
    draw_study(result)


def record(frame_hw: np.ndarray) -> None:
    from edgecnn.webcam.recorder import Recorder
    from edgecnn.webcam.sources import open_source

    with Recorder(Path("film.avi"), 25.0) as film:
        for _ in range(3):
            film.write(np.dstack([frame_hw] * 3))
    assert len(list(open_source("film.avi", tell=print).frames)) == 3


def calls() -> dict[str, Callable[[], object]]:
    """Return what is called, in this order: each takes what those before have made."""
    import edgecnn
    from edgecnn.digits import Reader
    from edgecnn.errors import Interrupted, ModelError
    from edgecnn.inspection import inspect
    from edgecnn.report.curves import draw_curves
    from edgecnn.runtime.selftest import selftest

    train, frame_hw = edgecnn.train, np.full((240, 320), 255, np.uint8)
    return {
        "train": lambda: train("digits-compact", RUN, overrides=SMALL),
        "train that fails": lambda: expect(
            ArithmeticError, lambda: train("digits-compact", "failed", overrides=SMALL, on_progress=fail)
        ),
        "train that is stopped": lambda: expect(
            Interrupted, lambda: train("digits-compact", "stopped", overrides=SMALL, should_stop=lambda: True)
        ),
        "train that goes on": lambda: train("digits-compact", "stopped", overrides=SMALL, resume=True),
        "draw_curves": lambda: draw_curves(Path(RUN)),
        "export": lambda: edgecnn.export(RUN, MODEL),
        "quantize": lambda: edgecnn.quantize(MODEL, QUANTIZED, method="static", seconds=0.05),
        "verify": lambda: edgecnn.verify(RUN, QUANTIZED),
        "bench": lambda: edgecnn.bench([RUN, QUANTIZED], batches=[1], threads=[1], seconds=0.05),
        "leaderboard": lambda: edgecnn.leaderboard([MODEL, QUANTIZED], "board", seconds=0.05),
        "embed": lambda: edgecnn.embed(QUANTIZED, "python", "app"),
        "read_card": lambda: edgecnn.read_card(QUANTIZED),
        "load and predict": lambda: edgecnn.load(QUANTIZED).predict(frame_hw),
        "load of what is no model": lambda: expect(ModelError, lambda: edgecnn.load(__file__)),
        "load_detector and detect": lambda: edgecnn.load_detector("digit-finder").detect(frame_hw),
        "Reader": lambda: Reader("digit-finder", "digits-webcam").read(frame_hw),
        "selftest": lambda: selftest(edgecnn.load(QUANTIZED)),
        "inspect": lambda: inspect(QUANTIZED),
        "explain": lambda: edgecnn.explain(QUANTIZED, frame_hw),
        "camera": lambda: record(frame_hw),
        "study": study,
    }


def main() -> None:
    """Have settings of our own, call everything, and say what is another after each call."""
    if any(Path().iterdir()):
        sys.exit("expected an empty folder: this one would be filled with what the calls make.")
    torch.set_num_threads(3)
    torch.manual_seed(11)
    np.random.seed(12)
    random.seed(13)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_WARNING)
    sys.meta_path.insert(0, Watch())
    before = {name: read() for name, read in SETTINGS.items()}
    everything = {"import of every module": import_all}
    everything |= calls()
    for name, call in everything.items():
        call()
        print(f"{name}: {', '.join(changed(before)) or 'as before'}", flush=True)
    print(f"ONNX Runtime: imported {len(reported)} times, {sum(reported)} of them with reports")


if __name__ == "__main__":
    main()
