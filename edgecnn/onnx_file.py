"""Model files as ONNX: written with their card as the only metadata, and read again before they get their name."""

import contextlib
import importlib.metadata
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Protocol, cast

import onnx

from edgecnn.card import ModelCard
from edgecnn.errors import EdgecnnError, ModelError, ParityError
from edgecnn.runtime import engine
from edgecnn.runtime.load import load_model, task_of
from edgecnn.runtime.model import Model
from edgecnn.runtime.selftest import selftest
from edgecnn.text import shortened
from edgecnn.version import __version__

OPSET, IR_VERSION = 21, 10  # int8 wants opset 21; ONNX Runtime takes both since 1.18
LEVEL, LEVELS = "level", 4  # how the nodes at each level of a pyramid begin, and how many there are


class WritingTask(Protocol):
    """What is asked of a task here."""

    def check(self, model: Model) -> None:
        """Raise ParityError where a file that was written does not do what its task promises."""


def write_with_card(graph: bytes, card: ModelCard, path: Path) -> None:
    """Write a serialized model with the card and its companions as its only metadata."""
    model = onnx.load_model_from_string(graph)
    model.producer_name, model.producer_version = "edgecnn", __version__
    used = {node.domain for node in model.graph.node} | {""}
    imports = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:], model.metadata_props[:]
    for part in (*model.graph.input, *model.graph.output, *model.graph.value_info, *model.graph.initializer):
        del part.metadata_props[:]  # the exporter's notes on what was a parameter
    model.opset_import.extend(imports)  # quantizers name every domain they know
    onnx.helper.set_model_props(model, card.metadata())
    path.write_bytes(model.SerializeToString(deterministic=True))


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what onnx raises on a graph that is not what it says, whatever it is, into a ModelError."""
    try:
        yield
    except (EdgecnnError, MemoryError):
        raise
    except Exception as error:  # protobuf, onnx's checker and NumPy each raise their own
        reason = shortened(str(error).strip() or type(error).__name__, 300)
        raise ModelError(f"{path}: its graph is not what it says ({reason}). Export the model again.") from error


def read_graph(path: Path) -> onnx.ModelProto:
    """Read a model file with the shapes of its values, without external data. Raises ModelError."""
    with reading(path):
        model = onnx.load(path, load_external_data=False)
        texts = [text for node in model.graph.node for text in (node.name, node.op_type, *node.input, *node.output)]
        if any(isinstance(text, bytes) for text in texts):  # what protobuf gives for a text that is not UTF-8
            raise ValueError("a node's name is not UTF-8")
        return onnx.shape_inference.infer_shapes(model)


def versions_of(path: Path) -> tuple[int, int]:
    """Return (opset of the standard operators, IR version) as the file says, without loading external data."""
    model = onnx.load(path, load_external_data=False)
    return next(entry.version for entry in model.opset_import if entry.domain == ""), model.ir_version


def runtime_versions() -> dict[str, str]:
    """Return the versions that an exported or quantized file depends on."""
    version = str(engine.onnxruntime().__version__)
    return {"onnx": importlib.metadata.version("onnx"), "onnxruntime": version}


def check(path: Path, *, domains: Collection[str] = ()) -> None:
    """Read a written file again and hold it to everything that is promised of it, or raise ParityError, which says what
    did not hold; the caller knows of which file and what to do. Beside standard operators it may have those of
    ``domains``."""
    onnx.checker.check_model(path, full_check=True)
    found = versions_of(path)
    if found != (OPSET, IR_VERSION):
        raise ParityError(f"the file has opset and IR {found}, asked for {(OPSET, IR_VERSION)}.")
    model = onnx.load(path, load_external_data=False)
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise ParityError("weights were put outside the file.")
    foreign = sorted({node.domain for node in model.graph.node} - {"", "ai.onnx", *domains})
    if foreign:
        raise ParityError(f"the graph has operators of {', '.join(foreign)}; other runtimes lack them.")
    opened = load_model(path)
    cast(WritingTask, task_of(opened.card, str(path))).check(opened)
    _check_answers(opened)


def _check_answers(model: Model) -> None:
    result = selftest(model)
    if not result.passed:
        raise ParityError(
            f"opened again, the file does not repeat its golden images: {result.gaps}. Likely cause: kernels of this "
            "processor whose sums depend on what else they add (edgecnn doctor says whether it saturates int8)."
        )
