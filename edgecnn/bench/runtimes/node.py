"""ONNX Runtime in Node.js, in a process of its own, whose calls are timed there."""

import base64
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecnn.bench.runtimes._found import Opened
from edgecnn.errors import ModelError
from edgecnn.process import Child

TITLE = "ONNX Runtime in Node.js"
INSTALL = "npm install --ignore-scripts onnxruntime-node"
PACKAGE, SCRIPT = "onnxruntime-node", Path(__file__).with_name("_node.mjs")


def version() -> str | None:
    """Return which one is installed in the working directory, a folder above it, or a folder of NODE_PATH."""
    if shutil.which("node") is None:
        return None
    manifests = (folder / PACKAGE / "package.json" for folder in _folders())
    return next((_version_in(manifest) for manifest in manifests if manifest.is_file()), None)


def opened(model: Path, threads: int) -> Opened:
    """Start Node.js with a file."""
    child = Child(str(SCRIPT), str(model), str(threads), program=("node",))

    def ask(wanted: Mapping[str, object]) -> dict[str, Any]:
        child.tell(wanted)
        return _answered(child)

    _answered(child)  # it is open

    def run(outputs: Sequence[str], inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        packed = {name: _packed(array) for name, array in inputs.items()}
        return [_unpacked(one) for one in ask({"outputs": list(outputs), "inputs": packed})["outputs"]]

    return Opened(
        run,
        repeat=lambda calls: list(ask({"repeat": calls})["ns"]),
        peak_bytes=lambda: int(ask({"memory": True})["peak_bytes"]),
    )


def _answered(child: Child) -> dict[str, Any]:
    found = next(child.answers(), None)
    if found is None:
        raise ModelError(f"Node.js ended ({child.reason()}).")
    if "error" in found:
        raise ModelError(found["error"])
    return found


def _folders() -> Iterator[Path]:
    here = Path.cwd()
    yield from (folder / "node_modules" for folder in (here, *here.parents))
    yield from (Path(folder) for folder in os.environ.get("NODE_PATH", "").split(os.pathsep) if folder)


def _version_in(manifest: Path) -> str:
    import json

    return str(json.loads(manifest.read_text(encoding="utf-8"))["version"])


def _packed(array: NDArray[Any]) -> dict[str, Any]:
    content = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
    return {"type": array.dtype.name, "shape": list(array.shape), "base64": content}


def _unpacked(packed: Mapping[str, Any]) -> NDArray[Any]:
    flat = np.frombuffer(base64.b64decode(packed["base64"]), np.dtype(packed["type"]))
    return flat.reshape(packed["shape"])
