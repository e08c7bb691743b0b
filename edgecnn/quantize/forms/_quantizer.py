"""ONNX Runtime's quantizer as the int8 forms use it, in standard operators, quiet and with nothing left behind."""

import contextlib
import inspect
import logging
import tempfile
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from edgecnn import files
from edgecnn.onnx_file import LEVEL, LEVELS
from edgecnn.quantize.forms import Parent

DENSE_OPERATORS = ("MatMul", "Gemm")
WEIGHTED_OPERATORS = ("Conv", *DENSE_OPERATORS)
STATIC_OPERATORS = (
    *WEIGHTED_OPERATORS, "MaxPool", "AveragePool", "GlobalAveragePool", "Relu", "Clip", "Add", "Mul", "Concat",
    "Reshape", "Flatten", "Transpose",
)  # fmt: skip
PYRAMID_OPERATORS = ("Conv", "Relu", "Add", "Resize")
CALIBRATION_BATCH = 32


class _Images(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no annotations
    """Feeds calibration images in batches: as many as a graph is fixed to, if it is."""

    def __init__(self, images_nhwc: NDArray[np.uint8], model: onnx.ModelProto) -> None:
        taken = model.graph.input[0]
        self._name, self._batch = taken.name, taken.type.tensor_type.shape.dim[0].dim_value or CALIBRATION_BATCH
        self._starts = iter(range(0, len(images_nhwc), self._batch))
        self._images = images_nhwc

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """Return the next batch, or None at the end."""
        start = next(self._starts, None)
        return None if start is None else {self._name: self._images[start : start + self._batch]}


def static(parent: Parent, images_nhwc: NDArray[np.uint8], *, reduce_range: bool) -> bytes:
    """Return a model whose weights are int8 and whose activations have the ranges that images give them."""
    with prepared_static(parent, images_nhwc, reduce_range=reduce_range) as made:
        return made.form().read_bytes()


@dataclass(frozen=True, eq=False)
class PreparedStatic:
    """A model that is ready to be made static, with any of its nodes left in float. ``prepared`` is its float file."""

    prepared: Path
    result: Path
    images_nhwc: NDArray[np.uint8]
    reduce_range: bool

    @cached_property
    def model(self) -> onnx.ModelProto:
        """The float model, its constants folded."""
        return onnx.load(self.prepared)

    @cached_property
    def integers(self) -> list[str]:
        """The names of the nodes that the static form computes in integers, in order."""
        return _integers(self.model)

    def form(self, floats: Collection[str] = ()) -> Path:
        """Write the static form, but for nodes that stay as they are, and return where it lies until the next one.

        Images are looked at for the first one alone, where ONNX Runtime can keep the ranges.
        """
        chosen = [name for name in self.integers if name not in floats]
        if not chosen:
            return self.prepared  # the quantizer would take no names for all of them
        quantize_static(
            self.prepared,
            self.result,
            _Images(self.images_nhwc, self.model),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=self.reduce_range,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=sorted({node.op_type for node in self.model.graph.node if node.name in self.integers}),
            nodes_to_quantize=chosen,
            **self._kept,
        )
        return self.result

    @property
    def _kept(self) -> dict[str, Path]:
        known = "calibration_cache_path" in inspect.signature(quantize_static).parameters
        return {"calibration_cache_path": self.result.with_suffix(".ranges.json")} if known else {}


@contextlib.contextmanager
def prepared_static(parent: Parent, images_nhwc: NDArray[np.uint8], *, reduce_range: bool) -> Iterator[PreparedStatic]:
    """Yield a model that is made ready once, in a folder that is gone afterwards."""
    with _workplace(parent) as (prepared, result):
        yield PreparedStatic(prepared, result, images_nhwc, reduce_range)


def dynamic(parent: Parent) -> bytes:
    """Return a model whose dense layers alone are int8, and range their activations as these come."""
    with _workplace(parent) as (prepared, result):
        quantize_dynamic(
            prepared,
            result,
            op_types_to_quantize=list(DENSE_OPERATORS),
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
        return result.read_bytes()


def _integers(model: onnx.ModelProto) -> list[str]:
    """Return the names of the nodes that are to be computed in integers.

    Of a pyramid, these are the convolutions at every level but for the first, which has one channel, and the last,
    whose maps are coordinates; else all but the preprocessing and the last dense layer.
    """
    if levels := [node for node in model.graph.node if _is_level(node) and node.op_type in PYRAMID_OPERATORS]:
        convolutions = [node for node in levels if node.op_type == "Conv"]
        depth = len(convolutions) // LEVELS
        outer = {node.name for place, node in enumerate(convolutions) if place % depth in (0, depth - 1)}
        return [node.name for node in levels if node.name not in outer]
    excluded = {*_preprocessing(model), _last_dense(model)}
    return [node.name for node in model.graph.node if node.op_type in STATIC_OPERATORS and node.name not in excluded]


def _is_level(node: onnx.NodeProto) -> bool:
    return bool(node.name.startswith(LEVEL))


@contextlib.contextmanager
def _workplace(parent: Parent) -> Iterator[tuple[Path, Path]]:
    """Yield (the parent, its shapes inferred and constants folded; where the result goes), with the quantizer quiet.

    The shapes of a pyramid, which takes any size, stay as they are: the symbolic inference fails on them.
    """
    logger = logging.getLogger()
    level, handlers, before = logger.level, list(logger.handlers), tempfile.tempdir
    logger.setLevel(logging.ERROR)
    try:
        with files.temporary_folder("quantize") as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tempfile.tempdir = str(folder)  # the quantizer makes folders of its own, and a kill leaves them
            original, prepared = folder / "parent.onnx", folder / "prepared.onnx"
            original.write_bytes(parent.graph)
            _prepare(original, prepared, skip_symbolic_shape=any(map(_is_level, parent.nodes)))
            yield prepared, folder / "quantized.onnx"
    finally:
        tempfile.tempdir = before
        logger.setLevel(level)
        logger.handlers[:] = handlers  # the quantizer logs, which gives a logger without handlers one


def _prepare(original: Path, prepared: Path, *, skip_symbolic_shape: bool) -> None:
    """Fold constants and infer shapes; where the symbolic inference fails, as on some graphs of others, without it."""
    try:
        quant_pre_process(original, prepared, skip_symbolic_shape=skip_symbolic_shape)
    except Exception:  # an assertion, or whatever else it meets
        if skip_symbolic_shape:
            raise
        quant_pre_process(original, prepared, skip_symbolic_shape=True)


def _preprocessing(model: onnx.ModelProto) -> list[str]:
    """Return the names of the nodes in front of the first one with weights; nodes are in topological order."""
    names = []
    for node in model.graph.node:
        if node.op_type in WEIGHTED_OPERATORS:
            break
        names.append(node.name)
    return names


def _last_dense(model: onnx.ModelProto) -> str:
    return next((node.name for node in reversed(model.graph.node) if node.op_type in DENSE_OPERATORS), "")
