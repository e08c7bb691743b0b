"""A detector's whole file around its network: pyramid, peaks, merging and crops as standard ONNX operators.

The frame is brought to at most 640 pixels on its longer side, both sides multiples of 16, then halved three times,
each time with its border repeated up to multiples of 16; the network runs on all four with the same weights. The
strongest peaks of all four become boxes in pixels of the frame, but for small ones at smaller levels, where letters
too small to be told look like digits. Overlapping ones are merged, and each is cut out: a square of 1.3 times the
longer side, averaged to 28x28 by RoiAlign. It is cut from the frame as it came, or, where it is large, from the level
that has two to four pixels for one of the crop: RoiAlign takes as long as it averages samples.
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgecnn.boxes import CROP_MARGIN, CROP_SIDE, MULTIPLE
from edgecnn.networks.finder import STRIDE, UNIT
from edgecnn.onnx_file import IR_VERSION, LEVEL, LEVELS, OPSET

LONGEST = 640
PEAKS = 400  # of each level
DETECTIONS = 400  # of a frame, at most
PEAK_WINDOW = (3, 1)  # cells
SMALLEST = 20.0  # pixels of the longer side, at all levels but the first: what is smaller was larger at the one before
THRESHOLD = 0.2
OVERLAP = 0.35
LARGEST_LOG = 4.0  # an untrained network must not overflow
CUT_FROM = 3  # the frame, and the levels from the second on, that crops are cut from


class _Graph:
    """Nodes in the making; every call returns the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def __call__(self, operator: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        result = name or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [result], name=f"{result}_node", **attributes))
        return result

    def top(self, values: str, count: str, **attributes: Any) -> tuple[str, str]:
        """Return the ``count`` largest values of a vector, and their places."""
        largest, places = f"{values}_largest", f"{values}_places"
        node = helper.make_node("TopK", [values, count], [largest, places], name=f"{values}_top", **attributes)
        self.nodes.append(node)
        return largest, places

    def ints(self, *values: int) -> str:
        """Return an int64 vector."""
        return self._constant(np.array(values, np.int64))

    def floats(self, *values: float) -> str:
        """Return a float32 vector."""
        return self._constant(np.array(values, np.float32))

    def _constant(self, values: NDArray[Any]) -> str:
        name = f"{values.dtype}_" + "_".join(str(value).replace(".", "p").replace("-", "m") for value in values)
        self.constants[name] = numpy_helper.from_array(values, name)
        return name


def compose(network: onnx.ModelProto) -> onnx.ModelProto:
    """Return the file's model around ``network``, which maps float32 pixels (1, 1, H, W) of 0..255 to five maps."""
    graph = _Graph()
    frame_nchw = graph("Transpose", graph("Cast", "frame", to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
    frame_size = graph("Cast", graph("Shape", frame_nchw, start=2, end=4), to=TensorProto.FLOAT)  # height, width
    # Divided first, then reduced: OpenVINO 2026.4 turns a constant divided by a maximum upside down.
    ratio = graph("Div", graph.floats(LONGEST), frame_size)
    shrink = graph("Min", graph("ReduceMin", ratio, graph.ints(0), keepdims=1), graph.floats(1.0))
    size = _first_size(graph, frame_size, shrink)
    image_nchw = graph(
        "Resize", frame_nchw, "", "", graph("Concat", graph.ints(1, 1), size, axis=0), mode="linear",
        coordinate_transformation_mode="half_pixel", antialias=1,
    )  # fmt: skip
    to_frame = graph("Div", frame_size, graph("Cast", size, to=TensorProto.FLOAT))
    boxes, scores, seen = [], [], [(frame_nchw, to_frame)]
    for level in range(LEVELS):
        if level:
            half_nchw = _halved(graph, image_nchw)
            image_nchw = _padded(graph, half_nchw)
            to_frame = graph("Mul", to_frame, graph.floats(2.0))
            seen.append((half_nchw, to_frame))
        maps = _inlined(graph, network, image_nchw, f"{LEVEL}{level}_")
        found, confidences = _peaks(graph, maps, to_frame, SMALLEST if level else 0.0)
        boxes.append(found)
        scores.append(confidences)
    corners, best, sides = _merged(graph, graph("Concat", *boxes, axis=0), graph("Concat", *scores, axis=0))
    graph("Identity", best, name="scores")
    graph("Concat", _columns(graph, corners, 0, 2), sides, axis=1, name="boxes")
    _crops(graph, seen[:CUT_FROM], corners, sides)
    return _model(graph, network)


def _first_size(graph: _Graph, frame_size: str, shrink: str) -> str:
    """Return (height, width) of the first level, int64, multiples of 16 and at least that."""
    wanted = graph("Mul", graph("Mul", frame_size, shrink), graph.floats(1 / MULTIPLE))
    cells = graph("Max", graph("Round", wanted), graph.floats(1.0))
    return graph("Mul", graph("Cast", cells, to=TensorProto.INT64), graph.ints(MULTIPLE))


def _halved(graph: _Graph, image_nchw: str) -> str:
    """Return the means of 2x2 pixels."""
    return graph(  # half way between two pixels, linear is their mean, and runs faster than AveragePool
        "Resize", image_nchw, "", graph.floats(1.0, 1.0, 0.5, 0.5), mode="linear",
        coordinate_transformation_mode="half_pixel",
    )  # fmt: skip


def _padded(graph: _Graph, half_nchw: str) -> str:
    """Repeat the last row and column up to multiples of 16."""
    over = graph("Mod", graph("Shape", half_nchw, start=2, end=4), graph.ints(MULTIPLE))
    missing = graph("Mod", graph("Sub", graph.ints(MULTIPLE), over), graph.ints(MULTIPLE))
    pads = graph("Concat", graph.ints(0, 0, 0, 0, 0, 0), missing, axis=0)
    return graph("Pad", half_nchw, pads, mode="edge")


def _inlined(graph: _Graph, network: onnx.ModelProto, pixels: str, prefix: str) -> str:
    """Repeat the network's nodes with names of their own; weights are shared."""
    weights = {tensor.name for tensor in network.graph.initializer}
    renamed = {network.graph.input[0].name: pixels}
    for node in network.graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.name = prefix + node.name
        for names in (copy.input, copy.output):
            names[:] = [renamed.get(name, name if name in weights or not name else prefix + name) for name in names]
        graph.nodes.append(copy)
    output: str = network.graph.output[0].name
    return prefix + output


def _peaks(graph: _Graph, maps: str, to_frame: str, least: float) -> tuple[str, str]:
    """Return the strongest peaks as center and side boxes (K, 4), in pixels of the frame, and scores (K,), which are 0
    of those whose longer side is less than ``least`` pixels of the level.

    A peak is a maximum along its column: in small print the next digit is one cell to the side, and two peaks of one
    digit have boxes that are merged later.
    """
    heat = graph("Sigmoid", graph("Slice", maps, graph.ints(0), graph.ints(1), graph.ints(1)))
    highest = graph("MaxPool", heat, kernel_shape=PEAK_WINDOW, pads=[1, 0, 1, 0])
    peaks = graph("Mul", heat, graph("Cast", graph("GreaterOrEqual", heat, highest), to=TensorProto.FLOAT))
    flat = graph("Reshape", peaks, graph.ints(-1))
    count = graph("Min", graph("Shape", flat), graph.ints(PEAKS))
    scores, cells = graph.top(flat, count)
    width = graph("Shape", maps, start=3, end=4)
    row = graph("Div", cells, width)
    column = graph("Sub", cells, graph("Mul", row, width))
    cell = graph("Concat", *(graph("Unsqueeze", part, graph.ints(0)) for part in (column, row)), axis=0)  # (2, K)
    values = graph("Gather", graph("Reshape", maps, graph.ints(5, -1)), cells, axis=1)  # (5, K)
    offset = graph("Slice", values, graph.ints(1), graph.ints(3), graph.ints(0))
    center = graph("Add", graph("Add", graph("Cast", cell, to=TensorProto.FLOAT), graph.floats(0.5)), offset)
    logs = graph("Slice", values, graph.ints(3), graph.ints(5), graph.ints(0))
    logs = graph("Min", graph("Max", logs, graph.floats(-LARGEST_LOG)), graph.floats(LARGEST_LOG))
    sides = graph("Mul", graph("Exp", logs), graph.floats(UNIT))
    if least:
        longer = graph("ReduceMax", sides, graph.ints(0), keepdims=0)
        enough = graph("GreaterOrEqual", longer, graph.floats(least))
        scores = graph("Mul", scores, graph("Cast", enough, to=TensorProto.FLOAT))
    both = graph("Concat", graph("Mul", center, graph.floats(STRIDE)), sides, axis=0)
    factor_yx = graph("Gather", to_frame, graph.ints(1, 0, 1, 0))  # x, y, width, height
    return graph("Mul", graph("Transpose", both, perm=[1, 0]), factor_yx), scores


def _merged(graph: _Graph, boxes: str, scores: str) -> tuple[str, str, str]:
    """Return what stays after overlapping detections are merged: corners (M, 4) as x0, y0, x1, y1, scores (M,), sides
    (M, 2)."""
    center, side = _columns(graph, boxes, 0, 2), _columns(graph, boxes, 2, 4)
    half = graph("Mul", side, graph.floats(0.5))
    corners = graph("Concat", graph("Sub", center, half), graph("Add", center, half), axis=1)
    kept = graph(
        "NonMaxSuppression", graph("Unsqueeze", corners, graph.ints(0)), graph("Unsqueeze", scores, graph.ints(0, 1)),
        graph.ints(DETECTIONS), graph.floats(OVERLAP), graph.floats(THRESHOLD),
    )  # fmt: skip
    index = graph("Reshape", _columns(graph, kept, 2, 3), graph.ints(-1))
    order = graph("Gather", scores, index)
    return graph("Gather", corners, index), order, graph("Gather", side, index)


def _crops(graph: _Graph, seen: list[tuple[str, str]], corners: str, sides: str) -> None:
    """Cut squares around the boxes, as uint8 (M, 28, 28, 1), large ones where the frame is ``seen`` at fewer pixels.

    ``seen`` are the frame and smaller images of it, each with how many of its pixels one of the level is, y and x.
    """
    side = graph("ReduceMax", sides, graph.ints(1), keepdims=1)
    reach = graph("Mul", side, graph.floats(CROP_MARGIN / 2))
    low, high = _columns(graph, corners, 0, 2), _columns(graph, corners, 2, 4)
    center = graph("Mul", graph("Add", low, high), graph.floats(0.5))
    squares = graph("Concat", graph("Sub", center, reach), graph("Add", center, reach), axis=1)
    pixels = graph("Div", graph("Mul", reach, graph.floats(2 / CROP_SIDE)), graph("ReduceMax", seen[0][1], keepdims=1))
    crops = _cut(graph, seen, squares, pixels)
    whole = graph("Cast", graph("Clip", graph("Round", crops), "zero", "white"), to=TensorProto.UINT8)
    graph.constants["zero"] = numpy_helper.from_array(np.array(0, np.float32), "zero")
    graph.constants["white"] = numpy_helper.from_array(np.array(255, np.float32), "white")
    graph("Reshape", whole, graph.ints(-1, CROP_SIDE, CROP_SIDE, 1), name="crops")


def _cut(graph: _Graph, seen: list[tuple[str, str]], squares: str, pixels: str) -> str:
    """Cut squares (M, 4) out of what is seen as crops (M, 1, 28, 28), each where ``pixels`` for one of a crop's, which
    is (M, 1) at the first level, are fewer than four."""
    rows, crops = [], []
    for level, (image_nchw, to_frame) in enumerate(seen):
        limits = []
        if level > 0:
            limits.append(graph("GreaterOrEqual", pixels, graph.floats(2.0**level)))
        if level + 1 < len(seen):
            limits.append(graph("Less", pixels, graph.floats(2.0 ** (level + 1))))
        own = graph("And", *limits) if len(limits) > 1 else limits[0]
        row = graph("Reshape", graph("Slice", graph("NonZero", own), *map(graph.ints, (0, 1, 0))), graph.ints(-1))
        its = graph("Gather", squares, row)
        if level > 0:
            its = graph("Div", its, graph("Gather", to_frame, graph.ints(1, 0, 1, 0)))
        rows.append(row)
        crops.append(_aligned(graph, image_nchw, its))
    _, order = graph.top(graph("Concat", *rows, axis=0), graph("Shape", pixels, start=0, end=1), largest=0)
    return graph("Gather", graph("Concat", *crops, axis=0), order)


def _aligned(graph: _Graph, image_nchw: str, squares: str) -> str:
    """Return squares of an image, in its pixels, averaged to crops (M, 1, 28, 28)."""
    batch = graph("Expand", graph.ints(0), graph("Shape", squares, start=0, end=1))
    return graph(
        "RoiAlign", image_nchw, squares, batch, output_height=CROP_SIDE, output_width=CROP_SIDE, sampling_ratio=0,
        spatial_scale=1.0, mode="avg", coordinate_transformation_mode="half_pixel",
    )  # fmt: skip


def _columns(graph: _Graph, table: str, first: int, end: int) -> str:
    return graph("Slice", table, graph.ints(first), graph.ints(end), graph.ints(1))


def _model(graph: _Graph, network: onnx.ModelProto) -> onnx.ModelProto:
    outputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["M", 4]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["M"]),
        helper.make_tensor_value_info("crops", TensorProto.UINT8, ["M", CROP_SIDE, CROP_SIDE, 1]),
    ]
    frame = helper.make_tensor_value_info("frame", TensorProto.UINT8, [1, "H", "W", 1])
    tensors = [*network.graph.initializer, *graph.constants.values()]
    made = helper.make_graph(graph.nodes, "edgecnn", [frame], outputs, initializer=tensors)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    return model
