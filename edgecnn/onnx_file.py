"""Model files as ONNX: written with their card as the only metadata, and read again before they get their name."""

import contextlib
import importlib.metadata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from edgecnn.card import FINDER, ModelCard
from edgecnn.errors import EdgecnnError, ModelError, ParityError
from edgecnn.runtime.classifier import Classifier, load
from edgecnn.runtime.finder import Finder, load_finder
from edgecnn.runtime.selftest import selftest
from edgecnn.runtime.session import open_model
from edgecnn.text import shortened
from edgecnn.version import __version__

OPSET, IR_VERSION = 21, 10  # int8 wants opset 21; ONNX Runtime takes both since 1.18
BATCHES = (1, 2, 7)
LEVEL, LEVELS = "level", 4  # how a finder's nodes at each level of its pyramid begin, and how many there are


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


def golden_probabilities(graph: bytes, images_nhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what a serialized model says of images, one at a time as in use; one thread, so that the bytes do not
    depend on the machine's."""
    opened = open_model(graph, thread_count=1)
    return np.concatenate([opened.run(["probabilities"], {"image": image[None]})[0] for image in images_nhwc])


def runtime_versions() -> dict[str, str]:
    """Return the versions that an exported or quantized file depends on."""
    import onnxruntime

    return {"onnx": importlib.metadata.version("onnx"), "onnxruntime": str(onnxruntime.__version__)}


def check(path: Path, card: ModelCard) -> None:
    """Read a written file again and hold it to everything that is promised of it, or raise ParityError, which says what
    did not hold; the caller knows of which file and what to do."""
    onnx.checker.check_model(path, full_check=True)
    found = versions_of(path)
    if found != (OPSET, IR_VERSION):
        raise ParityError(f"the file has opset and IR {found}, asked for {(OPSET, IR_VERSION)}.")
    model = onnx.load(path, load_external_data=False)
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise ParityError("weights were put outside the file.")
    foreign = sorted({node.domain for node in model.graph.node} - {"", "ai.onnx"})
    if foreign:
        raise ParityError(f"the graph has operators of {', '.join(foreign)}; other runtimes lack them.")
    if card.kind == FINDER:
        _check_answers(load_finder(path))
        return
    classifier = load(path)
    for batch in BATCHES:
        images = np.resize(card.golden.images_nhwc, (batch, *card.input.shape))
        if classifier.probabilities(images).shape != (batch, len(card.labels)):
            raise ParityError(f"the file does not take a batch of {batch}.")
    _check_answers(classifier)


def _check_answers(model: Classifier | Finder) -> None:
    result = selftest(model)
    if not result.passed:
        raise ParityError(
            f"opened again, the file does not repeat its golden images: {result.gaps}. Likely cause: kernels of this "
            "processor whose sums depend on what else they add (edgecnn doctor says whether it saturates int8)."
        )
