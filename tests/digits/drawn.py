"""What tests of reading look at: a small detector file, and frames with golden digits on them.

The detector divides a frame into cells of 32x32 pixels and detects those with contrast, best first; it crops the 28x28
pixels in the middle of each, so that a golden image which is pasted there reaches the classifier as it is.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import edgecnn

CELL = 32
BOX = (6, 6, 20, 20)  # of a cell
CONTRAST = 0.25
WHITE, PAPER = 255, 235


def write_detector(path: Path, *, frame: tuple[int | str, int | str] = ("H", "W")) -> Path:
    """Write the detector described above, for frames of any size or of one, and return its path."""
    ints = {"zero": [0], "row": [2], "column": [3], "one": [1]}
    floats = {"minus": [-1.0], "white": [255.0], "least": [CONTRAST], "cell": [float(CELL)], "nothing": [0.0]}
    vectors = {"inner": [BOX[0], BOX[1]], "low": [2, 2], "high": [30, 30], "side": [BOX[2], BOX[3]]}
    constants = [numpy_helper.from_array(np.array(values, np.int64), name) for name, values in ints.items()]
    constants += [
        numpy_helper.from_array(np.array(values, np.float32), name) for name, values in (floats | vectors).items()
    ]
    pool = {"kernel_shape": [CELL, CELL], "strides": [CELL, CELL]}
    node = helper.make_node
    nodes = [
        node("Cast", ["frame"], ["pixels_nhwc"], to=TensorProto.FLOAT),
        node("Transpose", ["pixels_nhwc"], ["pixels"], perm=[0, 3, 1, 2]),
        node("MaxPool", ["pixels"], ["lightest"], **pool),
        node("Mul", ["pixels", "minus"], ["negative"]),
        node("MaxPool", ["negative"], ["negative_darkest"], **pool),
        node("Add", ["lightest", "negative_darkest"], ["range"]),
        node("Div", ["range", "white"], ["contrast"]),
        node("Greater", ["contrast", "least"], ["found"]),
        node("NonZero", ["found"], ["places"]),  # (4, M): n, c, row, column
        node("Transpose", ["places"], ["places_m4"], perm=[1, 0]),
        node("GatherND", ["contrast", "places_m4"], ["unsorted"]),
        node("Shape", ["unsorted"], ["count"]),
        node("TopK", ["unsorted", "count"], ["scores", "order"]),
        node("Gather", ["places_m4", "order"], ["sorted"], axis=0),
        node("Gather", ["sorted", "column"], ["columns"], axis=1),
        node("Gather", ["sorted", "row"], ["rows"], axis=1),
        node("Concat", ["columns", "rows"], ["cells"], axis=1),
        node("Cast", ["cells"], ["cells_float"], to=TensorProto.FLOAT),
        node("Mul", ["cells_float", "cell"], ["corners"]),
        node("Add", ["corners", "inner"], ["box_corners"]),
        node("Mul", ["corners", "nothing"], ["zeros_m2"]),
        node("Add", ["zeros_m2", "side"], ["box_sides"]),
        node("Concat", ["box_corners", "box_sides"], ["boxes"], axis=1),
        node("Add", ["corners", "low"], ["roi_low"]),
        node("Add", ["corners", "high"], ["roi_high"]),
        node("Concat", ["roi_low", "roi_high"], ["rois"], axis=1),
        node("Expand", ["zero", "count"], ["batch"]),
        node(
            "RoiAlign", ["pixels", "rois", "batch"], ["cut"], output_height=28, output_width=28, sampling_ratio=0,
            coordinate_transformation_mode="half_pixel",
        ),
        node("Round", ["cut"], ["whole"]),
        node("Cast", ["whole"], ["crops_nchw"], to=TensorProto.UINT8),
        node("Transpose", ["crops_nchw"], ["crops"], perm=[0, 2, 3, 1]),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "cells",
        [helper.make_tensor_value_info("frame", TensorProto.UINT8, [1, *frame, 1])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["M", 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["M"]),
            helper.make_tensor_value_info("crops", TensorProto.UINT8, ["M", 28, 28, 1]),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
    return path


def golden_digits(model: str | Path) -> dict[str, NDArray[np.uint8]]:
    """Return the first golden image (28, 28) of each label: those that come later are near the decision boundaries."""
    golden = edgecnn.load(model, threads=1).card.golden
    labels = edgecnn.load(model, threads=1).labels
    best = golden.probabilities_nk.argmax(axis=1)
    return {labels[index]: image[..., 0] for index, image in zip(best[::-1], golden.images_nhwc[::-1], strict=True)}


def box_at(row: int, column: int) -> list[float]:
    """Return the box that the detector gives for a cell."""
    return [column * CELL + BOX[0], row * CELL + BOX[1], BOX[2], BOX[3]]


def frame_with(
    digits: dict[str, NDArray[np.uint8]], lines: Sequence[str], *, size: tuple[int, int] = (192, 256), dark: bool = True
) -> NDArray[np.uint8]:
    """Draw lines of digits into the cells from the second row and column on: uint8 (H, W, 3), dark ink or light."""
    ink_hw = np.zeros(size, np.uint8)
    for row, line in enumerate(lines, start=1):
        for column, label in enumerate(line, start=1):
            if label != " ":
                y, x = row * CELL + 2, column * CELL + 2
                ink_hw[y : y + 28, x : x + 28] = digits[label]
    gray_hw = (PAPER - ink_hw.astype(np.float32) * (PAPER - 20) / WHITE).astype(np.uint8) if dark else ink_hw
    return np.repeat(gray_hw[..., None], 3, axis=2)
