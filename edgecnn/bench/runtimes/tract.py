"""tract, Sonos' runtime in Rust, which runs on one thread."""

import functools
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edgecnn.bench.runtimes._found import Opened, fixed, installed, outputs_of

TITLE = "tract"
INSTALL = "pip install tract"


def version() -> str | None:
    """Return which one is installed."""
    return installed("tract")


def opened(model: Path, threads: int) -> Opened:
    """Load a file for each shape of its input when it first comes; tract knows outputs by their place."""
    import onnx
    import tract

    places = {name: place for place, name in enumerate(outputs_of(model))}

    @functools.cache
    def runnable(shape: tuple[int, ...]) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "fixed.onnx"
            onnx.save(fixed(model, shape), file)
            return tract.onnx().load(str(file)).into_model().into_runnable()

    def run(outputs: Sequence[str], inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        (array,) = inputs.values()
        found = runnable(array.shape).run([array])
        return [found[places[name]].to_numpy() for name in outputs]

    return Opened(run)
