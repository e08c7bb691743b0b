"""OpenVINO on the processor, for those who run it in one precision or another."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edgecnn.bench.runtimes._found import Opened

INSTALL = "pip install openvino"
FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32"}


def opened(model: Path, threads: int, options: Mapping[str, str]) -> Opened:
    """Compile a file for each shape of its input when it first comes: for a fixed shape it is compiled better."""
    import openvino

    core = openvino.Core()
    wanted = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", **options}

    @functools.cache
    def compiled(name: str, shape: tuple[int, ...]) -> Any:
        graph = core.read_model(model)
        graph.reshape({name: list(shape)})
        return core.compile_model(graph, "CPU", wanted).create_infer_request()

    def run(outputs: Sequence[str], inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        ((name, array),) = inputs.items()
        found = compiled(name, array.shape).infer({name: array})
        return [found[output] for output in outputs]

    return Opened(run)
