"""The forms that a model can be quantized into, by ONNX Runtime's quantizer, in standard operators.

``int8-static``  QDQ: convolutions and dense layers with int8 weights (a scale for each channel) and uint8 activations,
                 whose ranges come from training images. Unsigned activations are what x86 kernels are made for.
                 Preprocessing, softmax and the last dense layer stay float32, so logits keep their resolution.
``int8-dense``   Dense layers alone, int8 weights, activations ranged as they come; convolutions stay float32.
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

STATIC, DENSE = "int8-static", "int8-dense"
DENSE_OPERATORS = ("MatMul", "Gemm")
WEIGHTED_OPERATORS = ("Conv", *DENSE_OPERATORS)
STATIC_OPERATORS = (
    *WEIGHTED_OPERATORS, "MaxPool", "AveragePool", "GlobalAveragePool", "Relu", "Clip", "Add", "Mul", "Concat",
    "Reshape", "Flatten", "Transpose",
)  # fmt: skip
CALIBRATION_BATCH = 32


class _Images(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no annotations
    """Feeds calibration images in batches."""

    def __init__(self, images_nhwc: NDArray[np.uint8]) -> None:
        self._starts = iter(range(0, len(images_nhwc), CALIBRATION_BATCH))
        self._images = images_nhwc

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """Return the next batch, or None at the end."""
        start = next(self._starts, None)
        return None if start is None else {"image": self._images[start : start + CALIBRATION_BATCH]}


def static(parent: Path, calibration_images_nhwc: NDArray[np.uint8]) -> bytes:
    """Return the static form of a float32 model file as a serialized model."""
    with _workplace(parent) as (prepared, result):
        model = onnx.load(prepared)
        quantize_static(
            prepared,
            result,
            _Images(calibration_images_nhwc),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(STATIC_OPERATORS),
            nodes_to_exclude=[*_preprocessing(model), _last_dense(model)],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return result.read_bytes()


def dense(parent: Path) -> bytes:
    """Return the form of a float32 model file whose dense layers alone are int8 as a serialized model."""
    with _workplace(parent) as (prepared, result):
        quantize_dynamic(
            prepared, result, op_types_to_quantize=list(DENSE_OPERATORS), per_channel=True, weight_type=QuantType.QInt8
        )
        return result.read_bytes()


def has_dense_layers(parent: Path) -> bool:
    """Tell whether there is anything that ``dense`` could quantize."""
    return any(node.op_type in DENSE_OPERATORS for node in onnx.load(parent).graph.node)


@contextlib.contextmanager
def _workplace(parent: Path) -> Iterator[tuple[Path, Path]]:
    """Yield (the parent, its shapes inferred and constants folded; where the result goes), with the quantizer quiet."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            prepared = Path(folder) / "prepared.onnx"
            quant_pre_process(parent, prepared)
            yield prepared, Path(folder) / "quantized.onnx"
    finally:
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
