"""Arrays have the shapes that their names promise: ``images_nhwc`` four axes, ``boxes_m4`` two, the second of four.

What the public functions do is watched while they run: at the end of each call in the package, every array is looked at
that is in a variable or a field whose name says its axes.
"""

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

import edgecnn
from edgecnn.digits import Reader
from edgecnn.recipes.read import read
from edgecnn.runtime.selftest import selftest

PACKAGE = str(Path(edgecnn.__file__).parent)
AXES = (
    "n", "m", "k", "p", "t", "c", "nhwc", "nchw", "mhwc", "nhw", "hwc", "chw", "hw", "nk", "mk", "kk", "nb", "nn", "mm",
    "tk", "nc", "nm4", "nb4", "nb5", "hw3", "hw4", "nn2", "mm2", "m4", "n4", "k4", "b4", "n3", "n2", "m2", "b2", "p3",
)  # fmt: skip
NAMED = re.compile(rf"[a-z].*_({'|'.join(sorted(AXES, key=len, reverse=True))})$")


def broken(name: str, value: Any) -> str | None:
    """Say how an array is not what its name promises."""
    found = NAMED.match(name)
    shape = getattr(value, "shape", None)
    if found is None or not isinstance(shape, tuple) or not shape or not hasattr(value, "dtype"):
        return None  # one without axes is a number, for which what is done to each does as well
    axes, sizes = found[1], dict[str, int]()
    fits = len(shape) == len(axes)
    for axis, size in zip(axes, shape, strict=False):
        fits &= size == (int(axis) if axis.isdigit() else sizes.setdefault(axis, size))
    return None if fits else f"{name} has shape {tuple(shape)}"


@contextlib.contextmanager
def watched() -> Iterator[tuple[set[str], set[str]]]:
    """Yield the names of arrays that are looked at while calls of the package end, and what is wrong with some."""
    seen, wrong = set[str](), set[str]()

    def look(frame: FrameType, event: str, argument: object) -> None:
        if event != "return" or not frame.f_code.co_filename.startswith(PACKAGE):
            return
        values = dict(frame.f_locals)
        values |= getattr(values.get("self"), "__dict__", {})
        for name, value in values.items():
            if NAMED.match(name) and hasattr(value, "dtype"):
                seen.add(name)
                if reason := broken(name, value):
                    wrong.add(f"{Path(frame.f_code.co_filename).name}, {frame.f_code.co_qualname}: {reason}")

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield seen, wrong
    finally:
        sys.setprofile(before)


def test_a_wrong_shape_is_noticed_by_the_name_of_its_variable() -> None:
    assert broken("images_nhwc", np.zeros((2, 3, 4))) == "images_nhwc has shape (2, 3, 4)"
    assert broken("boxes_m4", np.zeros((2, 5))) == "boxes_m4 has shape (2, 5)"
    assert broken("counts_kk", np.zeros((2, 3))) == "counts_kk has shape (2, 3)"
    assert [
        broken(*given) for given in (("counts_kk", np.zeros((3, 3))), ("ink_hw", 3), ("latency_ms", np.zeros(3)))
    ] == ([None] * 3)


FRAME = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
CALLS: dict[str, Callable[[Path, Path, Path, Path, Path], object]] = {
    "train": lambda run, model, static, root, out: edgecnn.train(
        read("digits-compact", {"epochs": 1, "data.subset": 200, "data.validation": 40, "augment.rotate": 5}),
        out / "run",
        root=root,
    ),
    "export": lambda run, model, static, root, out: edgecnn.export(run, out / "m.onnx", root=root, calibrated=True),
    "quantize": lambda run, model, static, root, out: edgecnn.quantize(
        model, out / "q.onnx", method="static", root=root, seconds=0.01
    ),
    "verify": lambda run, model, static, root, out: edgecnn.verify(run, static, root=root),
    "report": lambda run, model, static, root, out: edgecnn.report(
        static, model, out / "r.html", run=run, root=root, seconds=0.01
    ),
    "explain": lambda run, model, static, root, out: edgecnn.explain(static, FRAME),
    "predict": lambda run, model, static, root, out: edgecnn.load(static).predict(FRAME),
    "selftest": lambda run, model, static, root, out: selftest(edgecnn.load(static)),
    "detect": lambda run, model, static, root, out: edgecnn.load_detector("digit-finder").detect(FRAME),
    "digits": lambda run, model, static, root, out: Reader("digit-finder", "digits-webcam").read(FRAME),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_arrays_have_the_shapes_that_their_names_promise(
    name: str, run: Path, model: Path, static_model: Path, data_root: Path, tmp_path: Path
) -> None:
    with watched() as (seen, wrong):
        CALLS[name](run, model, static_model, data_root, tmp_path)
    assert wrong == set()
    assert seen
