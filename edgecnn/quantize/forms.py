"""The forms that a model can be quantized into, by ONNX Runtime's quantizer, in standard operators.

``int8-static``  QDQ: convolutions and dense layers with int8 weights (a scale for each channel) and uint8 activations,
                 whose ranges come from training images. Unsigned activations are what x86 kernels are made for.
                 Preprocessing, softmax and the last dense layer stay float32, so logits keep their resolution.
``int8-dense``   Dense layers alone, int8 weights, activations ranged as they come; convolutions stay float32.

Their weights have seven bits, so that no sum saturates on any processor (``edgecnn.saturation`` proves it of the file).

``int8-static-full``  The static form with weights of eight bits, for processors that do not saturate. It is made when
                      it is asked for, and never by itself.
"""

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from edgecnn import files
from edgecnn.card import DENSE_FORM
from edgecnn.onnx_file import LEVEL, LEVELS

STATIC, DENSE, FULL = "int8-static", DENSE_FORM, "int8-static-full"
DENSE_OPERATORS = ("MatMul", "Gemm")
WEIGHTED_OPERATORS = ("Conv", *DENSE_OPERATORS)
STATIC_OPERATORS = (
    *WEIGHTED_OPERATORS, "MaxPool", "AveragePool", "GlobalAveragePool", "Relu", "Clip", "Add", "Mul", "Concat",
    "Reshape", "Flatten", "Transpose",
)  # fmt: skip
CALIBRATION_BATCH = 32
FINDER_OPERATORS = ("Conv", "Relu", "Add", "Resize")


class _Images(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no annotations
    """Feeds calibration images in batches."""

    def __init__(self, images_nhwc: NDArray[np.uint8], name: str = "image", batch: int = CALIBRATION_BATCH) -> None:
        self._starts = iter(range(0, len(images_nhwc), batch))
        self._images, self._name, self._batch = images_nhwc, name, batch

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """Return the next batch, or None at the end."""
        start = next(self._starts, None)
        return None if start is None else {self._name: self._images[start : start + self._batch]}


def static(parent: Path, calibration_images_nhwc: NDArray[np.uint8], *, full_range: bool = False) -> bytes:
    """Return the static form of a float32 model file as a serialized model."""
    with _workplace(parent) as (prepared, result):
        model = onnx.load(prepared)
        quantize_static(
            prepared,
            result,
            _Images(calibration_images_nhwc, batch=_fixed_batch(model) or CALIBRATION_BATCH),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(STATIC_OPERATORS),
            nodes_to_exclude=[*_preprocessing(model), _last_dense(model)],
            per_channel=True,
            reduce_range=not full_range,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return result.read_bytes()


def _fixed_batch(model: onnx.ModelProto) -> int:
    """Return the batch that a graph takes and no other, or 0."""
    batch: int = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value
    return batch


def static_finder(parent: Path, frames_nhwc: NDArray[np.uint8], *, full_range: bool = False) -> bytes:
    """Return the static form of a finder: its convolutions are int8 at every level but for the first, which has one
    channel, and the last, whose maps are coordinates; peaks, boxes and crops stay float32."""
    with _workplace(parent, any_size=True) as (prepared, result):
        graph = onnx.load(prepared).graph
        nodes = [node for node in graph.node if node.name.startswith(LEVEL) and node.op_type in FINDER_OPERATORS]
        convolutions = [node for node in nodes if node.op_type == "Conv"]
        depth = len(convolutions) // LEVELS
        outer = {node.name for place, node in enumerate(convolutions) if place % depth in (0, depth - 1)}
        quantize_static(
            prepared,
            result,
            _Images(frames_nhwc, "frame", 1),
            quant_format=QuantFormat.QDQ,
            nodes_to_quantize=[node.name for node in nodes if node.name not in outer],
            per_channel=True,
            reduce_range=not full_range,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return result.read_bytes()


def dense(parent: Path) -> bytes:
    """Return the form of a float32 model file whose dense layers alone are int8 as a serialized model."""
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


def has_dense_layers(parent: Path) -> bool:
    """Tell whether there is anything that ``dense`` could quantize."""
    return any(node.op_type in DENSE_OPERATORS for node in onnx.load(parent).graph.node)


@contextlib.contextmanager
def _workplace(parent: Path, *, any_size: bool = False) -> Iterator[tuple[Path, Path]]:
    """Yield (the parent, its shapes inferred and constants folded; where the result goes), with the quantizer quiet.

    The shapes of a model for ``any_size`` stay as they are: the symbolic inference fails on them.
    """
    logger = logging.getLogger()
    level, before = logger.level, tempfile.tempdir
    logger.setLevel(logging.ERROR)
    try:
        with files.temporary_folder("quantize") as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tempfile.tempdir = str(folder)  # the quantizer makes folders of its own, and a kill leaves them
            prepared = folder / "prepared.onnx"
            quant_pre_process(parent, prepared, skip_symbolic_shape=any_size)
            yield prepared, folder / "quantized.onnx"
    finally:
        tempfile.tempdir = before
        logger.setLevel(level)


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
