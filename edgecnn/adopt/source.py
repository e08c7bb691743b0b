"""A model file of others, read whole: external data gathered, at the opset and IR version that edgecnn writes.

What the file says of the machine and the program that made it, node by node, is left behind.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import TensorProto, inliner, version_converter

from edgecnn import files
from edgecnn.card import CARD_KEY
from edgecnn.errors import EdgecnnError, ModelError
from edgecnn.files import stand_in
from edgecnn.onnx_file import IR_VERSION, OPSET, reading
from edgecnn.saturation import STANDARD
from edgecnn.text import shortened

MOST_BYTES = 2**31 - 1  # of a protobuf message


@dataclass(frozen=True)
class Value:
    """An input or output of a graph: ``kind`` is its element type, or what it is in place of a tensor. A side is a
    number where it is fixed."""

    name: str
    kind: str
    shape: tuple[int | str, ...]

    def __str__(self) -> str:
        return f"{self.name}: {self.kind} ({', '.join(map(str, self.shape))})"


@dataclass(frozen=True)
class Source:
    """``original`` is the file as it came, in one piece; ``model`` the same at edgecnn's opset. ``opset``,
    ``ir_version`` and ``producer`` are the file's own."""

    path: Path
    sha256: str
    original: bytes
    model: onnx.ModelProto
    metadata: dict[str, str]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    producer: str
    opset: int
    ir_version: int

    @property
    def batch_dependent(self) -> bool:
        """Whether activations are ranged over a whole batch as they come, so that answers depend on their company."""
        return any(node.op_type.startswith("DynamicQuantize") for node in self.model.graph.node)

    @property
    def foreign(self) -> tuple[str, ...]:
        """The domains of operators that are no standard ones, which other runtimes lack."""
        return tuple(sorted({node.domain for node in self.model.graph.node} - set(STANDARD)))


def read(path: Path) -> Source:
    """Read a model file with the data that lie beside it. Raises ModelError for what is none."""
    if not path.is_file():
        raise ModelError(f"{path}: {'a folder' if path.is_dir() else 'no such file'}. Expected a model file (.onnx).")
    hint = stand_in(path)
    if hint:
        raise ModelError(f"{path}: not a model file.{hint}")
    with _reading(path):
        model = onnx.load(path, format="protobuf")
        if not model.graph.node:
            raise ValueError("it has no operators")
        if model.ByteSize() > MOST_BYTES:
            raise ValueError(f"with its data it has {model.ByteSize():,} bytes, and one file holds {MOST_BYTES:,}")
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        if CARD_KEY in metadata:
            raise EdgecnnError(f"{path}: has a card of edgecnn, so there is nothing to adopt. Use it as it is.")
        opset = _opset(model)
        raised = _raised(model, opset, path)
        return Source(
            path=path,
            sha256=files.sha256(path),
            original=model.SerializeToString(),
            model=raised,
            metadata=metadata,
            inputs=tuple(_value(value) for value in raised.graph.input),
            outputs=tuple(_value(value) for value in raised.graph.output),
            producer=" ".join(filter(None, (model.producer_name, model.producer_version))) or "not said",
            opset=opset,
            ir_version=model.ir_version,
        )


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Say of a file of others what is wrong, without advice that is for our own."""
    try:
        with reading(path):
            yield
    except ModelError as error:
        raise ModelError(str(error).removesuffix(" Export the model again.")) from error


def _opset(model: onnx.ModelProto) -> int:
    found = [entry.version for entry in model.opset_import if entry.domain in STANDARD]
    if not found:
        raise ValueError("it has no standard operators")
    return int(found[0])


def _raised(model: onnx.ModelProto, opset: int, path: Path) -> onnx.ModelProto:
    """Return a copy without functions of its own and notes, whose only inputs are what it is fed."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    if copy.functions:
        copy = inliner.inline_local_functions(copy)
    weights = {tensor.name for tensor in copy.graph.initializer}
    fed = [value for value in copy.graph.input if value.name not in weights]  # up to IR 3 weights are inputs as well
    del copy.graph.input[:]
    copy.graph.input.extend(fed)
    versions = {"" if entry.domain in STANDARD else entry.domain: entry.version for entry in model.opset_import[::-1]}
    del copy.opset_import[:]  # some exporters say the same twice
    copy.opset_import.extend(onnx.helper.make_opsetid(domain, version) for domain, version in versions.items())
    copy.ir_version = IR_VERSION
    if opset != OPSET:
        copy = _converted(copy, opset, path)
    copy.ir_version = IR_VERSION
    return _tidied(copy)


def _converted(model: onnx.ModelProto, opset: int, path: Path) -> onnx.ModelProto:
    try:
        return version_converter.convert_version(model, OPSET)
    except Exception as error:  # onnx raises whatever its converter meets
        raise ModelError(
            f"{path}: has opset {opset}, and onnx cannot bring it to {OPSET} ({shortened(str(error).strip(), 300)}). "
            f"Export it again with opset {OPSET}."
        ) from error


def _tidied(model: onnx.ModelProto) -> onnx.ModelProto:
    """Have weights that are constants among the nodes where weights are, and take out what exporters note of the
    program and the folders that a graph was made in."""
    import onnx_ir
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass, LiftConstantsToInitializersPass

    found = onnx_ir.from_proto(model)
    for step in (
        LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        ClearMetadataAndDocStringPass(),
    ):
        found = step(found).model
    return onnx_ir.to_proto(found)


def _value(value: onnx.ValueInfoProto) -> Value:
    kind = value.type.WhichOneof("value") or "unknown"
    if kind != "tensor_type":
        return Value(value.name, kind.removesuffix("_type"), ())
    tensor = value.type.tensor_type
    sides = tuple(_side(dim) for dim in tensor.shape.dim)
    return Value(value.name, TensorProto.DataType.Name(tensor.elem_type).lower(), sides)


def _side(dim: onnx.TensorShapeProto.Dimension) -> int | str:
    return int(dim.dim_value) if dim.dim_value > 0 else str(dim.dim_param or "?")
