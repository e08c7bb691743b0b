"""Damage done to a copy of a model's graph, to learn what a self-test notices.

Filters, biases, scales, bits and zero points of the first, a middle and the last layer with weights; classes and
operators exchanged; pixels that arrive in another order, size or scale. Everything is drawn from the graph and a fixed
seed, so the same file has the same damages everywhere.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

WEIGHTED = ("Conv", "Gemm", "MatMul")
WIDENERS = ("DequantizeLinear", "Cast")  # what weights that are stored in fewer bytes go through
AFTER = "_damaged"  # ends the name of a tensor that was put in

Array = NDArray[Any]
Change = Callable[[onnx.ModelProto], None]


@dataclass(frozen=True)
class Damage:
    """One damage: its kind, where it is done, and the function that does it to a copy of the model."""

    kind: str
    place: str
    change: Change

    @property
    def name(self) -> str:
        """The kind with its place."""
        return f"{self.kind}, {self.place}" if self.place else self.kind

    def done_to(self, model: onnx.ModelProto) -> bytes:
        """Return the damaged model, serialized."""
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        self.change(copy)
        result: bytes = copy.SerializeToString()
        return result


@dataclass(frozen=True)
class Layer:
    """A node with weights: the names of its weights and bias among the constants ('' for none), and what scales them.

    ``axis`` is that of the filters. ``scale`` is '' where weights are floats.
    """

    node: str
    operator: str
    weights: str
    scale: str
    bias: str
    axis: int


def damages(model: onnx.ModelProto) -> list[Damage]:
    """Return every damage that this classifier's graph has a place for."""
    return [
        *_of_weights(model.graph),
        *_of_quantization(model.graph),
        *_of_operators(model.graph),
        *_of_normalization(model.graph),
        *_of_classes(model.graph),
        *_of_pixels(model.graph),
    ]


def pyramid_damages(model: onnx.ModelProto) -> list[Damage]:
    """Return every damage that a graph with a pyramid has a place for."""
    return [
        *_of_weights(model.graph),
        *_of_quantization(model.graph),
        *_of_operators(model.graph),
        *_of_normalization(model.graph),
        *_of_levels(model.graph),
    ]


def layers(graph: onnx.GraphProto) -> list[Layer]:
    """Return the layers with weights of their own, in the order in which they run."""
    constants = {tensor.name for tensor in graph.initializer}
    makers = {node.output[0]: node for node in graph.node if node.op_type in WIDENERS}

    def stored(name: str) -> tuple[str, str]:
        """Return the constant that a tensor comes from and its scale, '' where there is none."""
        if name in constants:
            return name, ""
        made = makers.get(name)
        if made is None or made.input[0] not in constants:
            return "", ""
        return made.input[0], made.input[1] if made.op_type == "DequantizeLinear" else ""

    found = []
    for node in graph.node:
        if node.op_type in WEIGHTED and len(node.input) > 1:
            weights, scale = stored(node.input[1])
            bias = stored(node.input[2])[0] if len(node.input) > 2 else ""
            across = node.op_type == "MatMul" or (node.op_type == "Gemm" and not _attribute(node, "transB", 0))
            if weights:
                found.append(Layer(node.name, node.op_type, weights, scale, bias, int(across)))
    return found


def _of_weights(graph: onnx.GraphProto) -> Iterator[Damage]:
    for place, layer in _three(layers(graph)):
        values = _constant(graph, layer.weights)
        count = values.shape[layer.axis]
        for kind, function in _FILTERS.items():
            if count > 1 and (values.ndim == 4 or kind not in _KERNELS):
                yield Damage(kind, place, _weights_changed(layer, function))
        yield Damage("weights scaled by 1 %", place, _scaled(layer, 1.01))
        yield Damage("weights scaled by 10 %", place, _scaled(layer, 1.1))
        if layer.bias:
            yield Damage("bias removed", place, lambda model, own=layer: _change(model, own.bias, np.zeros_like))  # type: ignore[misc]
            yield Damage("bias of one filter doubled", place, _bias_doubled(layer))


def _of_quantization(graph: onnx.GraphProto) -> Iterator[Damage]:
    quantizers = [node for node in graph.node if node.op_type == "QuantizeLinear"]
    for place, node in _three(quantizers):
        yield Damage("zero point off by one", place, _own_constant(node.name, 2, lambda own: own + np.array(1)))
        yield Damage("activations scaled by 1 %", place, _own_constant(node.name, 1, lambda own: own * 1.01))
        yield Damage("activations saturate at half their range", place, _saturated(node))
    filters = [layer for layer in layers(graph) if layer.scale]
    for place, layer in _three(filters):
        yield Damage("one filter's scale lost", place, _one_scale_lost(layer))


def _of_operators(graph: onnx.GraphProto) -> Iterator[Damage]:
    convolutions = [n for n in graph.node if n.op_type == "Conv" and any(_attribute(n, "pads", []))]
    for place, node in _three(convolutions):
        yield Damage("padding on one side", place, _on_node(node.name, _pad_one_side))
        for mode in ("reflect", "edge"):
            yield Damage(f"padding by {mode} in place of zeros", place, _padded(node.name, mode))
    for operator, kinds in _REPLACED.items():
        nodes = [node for node in graph.node if node.op_type == operator]
        for place, node in _three(nodes):
            for kind, change in kinds.items():
                yield Damage(kind, place, _on_node(node.name, change))


def _of_normalization(graph: onnx.GraphProto) -> Iterator[Damage]:
    first = next(index for index, node in enumerate(graph.node) if node.op_type in WEIGHTED)
    constants = {tensor.name for tensor in graph.initializer}
    for node in graph.node[:first]:
        own = [name for name in node.input if name in constants and "zero_point" not in name]
        if node.op_type == "Mul" and own:
            yield Damage("pixels scaled by 5 % more", "", _changed(own[0], lambda values: values * 1.05))
            yield Damage("pixels divided by 256 twice", "", _changed(own[0], lambda values: values / 256))
            if _constant(graph, own[0]).size > 1:
                yield Damage("normalization of the channels reversed", "", _changed(own[0], lambda v: v[:, ::-1]))
        if node.op_type in ("Add", "Sub") and own:
            yield Damage("mean not subtracted", "", _changed(own[0], np.zeros_like))
            yield Damage("mean off by a twentieth", "", _changed(own[0], lambda values: values * 1.05))


def _of_classes(graph: onnx.GraphProto) -> Iterator[Damage]:
    classes = graph.output[0].type.tensor_type.shape.dim[1].dim_value
    order = np.arange(classes)
    draw = np.random.default_rng(0)
    pairs = {(0, classes - 1), (classes - 2, classes - 1), *(_pair(draw, classes) for _ in range(3))}
    for first, second in sorted(pair for pair in pairs if pair[0] != pair[1] and min(pair) >= 0):
        swapped = order.copy()
        swapped[[first, second]] = swapped[[second, first]]
        yield Damage("two classes exchanged", f"{first} and {second}", _classes_in(swapped))
    yield Damage("classes moved on by one", "", _classes_in(np.roll(order, 1)))
    yield Damage("classes in reverse", "", _classes_in(order[::-1]))
    yield Damage("one class's logit half lower", "0", _logit_lower(0, classes))


def _of_levels(graph: onnx.GraphProto) -> Iterator[Damage]:
    levels = np.arange(256)
    for kind, table in {
        "pixels inverted": 255 - levels,
        "pixels 16 gray levels brighter": levels + 16,
        "contrast a tenth lower": 128 + (levels - 128) * 0.9,
        "gamma 1.2": 255 * (levels / 255) ** 1.2,
        "pixels cut to 3 bits": levels // 32 * 32,
        "pixels as signed bytes": np.where(levels < 128, levels, 0),
        "pixels in 0..1": levels / 255,
    }.items():
        yield Damage(kind, "", _pixels_by(graph.input[0].name, table.clip(0, 255).astype(np.uint8)))


def _of_pixels(graph: onnx.GraphProto) -> Iterator[Damage]:
    height, width, channels = (part.dim_value for part in graph.input[0].type.tensor_type.shape.dim[1:])
    yield from _of_levels(graph)
    rows, columns = np.arange(height), np.arange(width)
    yield Damage("one pixel to the right", "", _gathered((columns - 1).clip(0), 2))
    yield Damage("two pixels down", "", _gathered((rows - 2).clip(0), 1))
    yield Damage("mirrored", "", _gathered(columns[::-1], 2))
    yield Damage("upside down", "", _gathered(rows[::-1], 1))
    yield Damage("half the resolution", "", _gathered(rows // 2 * 2, 1, columns // 2 * 2, 2))
    if height == width:
        yield Damage("rows and columns exchanged", "", _transposed)
    if channels == 3:
        yield Damage("BGR in place of RGB", "", _gathered(np.arange(3)[::-1], 3))
        yield Damage("one color for all", "", _gathered(np.ones(3, int), 3))
        yield Damage("planes in place of pixels", "", lambda model: _planes(model, height, width, channels))


def _three(items: list[Any]) -> list[tuple[str, Any]]:
    """Return the first, a middle and the last of what there is, each with its place's name."""
    chosen = {0: "first", len(items) // 2: "middle", len(items) - 1: "last"} if items else {}
    return [(place, items[index]) for index, place in sorted(chosen.items())]


# What is done to the filters of a layer, (filters, ...), floats or the integers that stand for them.


def _most(weights: Array) -> int:
    """Return the filter with the largest norm: what is lost with it is not nothing."""
    return int(np.abs(weights.astype(np.float64)).reshape(len(weights), -1).sum(1).argmax())


def _one_zeroed(weights: Array) -> Array:
    return _with_filter(weights, _most(weights), np.zeros_like(weights[0]))


def _one_negated(weights: Array) -> Array:
    return _with_filter(weights, _most(weights), -weights[_most(weights)])


def _two_exchanged(weights: Array) -> Array:
    other = (_most(weights) + 1) % len(weights)
    order = np.arange(len(weights))
    order[[_most(weights), other]] = other, _most(weights)
    return weights[order]


def _two_fifths_pruned(weights: Array) -> Array:
    sizes = np.abs(weights.astype(np.float64))
    return np.where(sizes > np.quantile(sizes, 0.4), weights, 0)


def _four_bits(weights: Array) -> Array:
    largest = np.abs(weights.astype(np.float64)).reshape(len(weights), -1).max(1)
    step = np.maximum(largest, 1e-12).reshape(-1, *[1] * (weights.ndim - 1)) / 7
    cut: Array = np.round(weights / step) * step
    return cut


def _noisy(weights: Array) -> Array:
    deviation = weights.astype(np.float64).std()
    return weights + np.random.default_rng(0).normal(0, 0.1 * deviation, weights.shape)


def _one_sign_flipped(weights: Array) -> Array:
    changed = weights.copy().astype(np.float64)
    changed.flat[int(np.abs(changed).argmax())] *= -1
    return changed


def _with_filter(weights: Array, index: int, values: Array) -> Array:
    changed = weights.copy()
    changed[index] = values
    return changed


_FILTERS: dict[str, Callable[[Array], Array]] = {
    "one filter zeroed": _one_zeroed,
    "one filter negated": _one_negated,
    "two filters exchanged": _two_exchanged,
    "filters in reverse": lambda weights: weights[::-1],
    "a tenth of the filters lost": lambda w: np.where(np.arange(len(w)).reshape(-1, *[1] * (w.ndim - 1)) % 10, w, 0),
    "weights cut to 4 bits": _four_bits,
    "weights with a tenth of noise": _noisy,
    "two fifths of the weights pruned": _two_fifths_pruned,
    "one weight's sign flipped": _one_sign_flipped,
    "kernels turned around": lambda weights: weights[..., ::-1, ::-1],
    "kernels' rows and columns exchanged": lambda weights: np.swapaxes(weights, 2, 3),
    "input channels in reverse": lambda weights: weights[:, ::-1],
}
_KERNELS = ("kernels turned around", "kernels' rows and columns exchanged", "input channels in reverse")


def _weights_changed(layer: Layer, function: Callable[[Array], Array]) -> Change:
    def change(model: onnx.ModelProto) -> None:
        _change(model, layer.weights, lambda own: np.moveaxis(function(np.moveaxis(own, layer.axis, 0)), 0, layer.axis))

    return change


def _scaled(layer: Layer, factor: float) -> Change:
    return _changed(layer.scale or layer.weights, lambda own: own * factor)


def _one_scale_lost(layer: Layer) -> Change:
    def lost(scale: Array) -> Array:
        changed = np.atleast_1d(scale).copy()
        changed[int(changed.argmax())] = changed.mean()
        return changed.reshape(scale.shape)

    return _changed(layer.scale, lost)


def _bias_doubled(layer: Layer) -> Change:
    def doubled(bias: Array) -> Array:
        changed = bias.copy()
        changed[int(np.abs(bias).argmax())] *= 2
        return changed

    return _changed(layer.bias, doubled)


def _saturated(node: onnx.NodeProto) -> Change:
    """Clip what a quantizer is given at half of what its scale can express, as a sum in too few bits would."""

    def change(model: onnx.ModelProto) -> None:
        graph = model.graph
        scale, zero = (_constant(graph, name).astype(np.float64) for name in node.input[1:3])
        most = np.array((255 - zero) * scale / 2, np.float32)
        least = np.array(-zero * scale / 2, np.float32)
        _insert_before(graph, node.name, 0, "Clip", [least, most])

    return change


# What is done to operators.


def _pad_one_side(node: onnx.NodeProto) -> None:
    pads = _attribute(node, "pads", [])
    half = len(pads) // 2
    _set(node, "pads", [*[0] * half, *(pads[i] + pads[i + half] for i in range(half))])


def _padded(name: str, mode: str) -> Change:
    def change(model: onnx.ModelProto) -> None:
        node = _node(model.graph, name)
        pads = _attribute(node, "pads", [])
        half = len(pads) // 2
        _insert_before(
            model.graph, name, 0, "Pad", [np.array([0, 0, *pads[:half], 0, 0, *pads[half:]], np.int64)], mode=mode
        )
        _set(node, "pads", [0] * len(pads))

    return change


def _renamed(operator: str, **attributes: Any) -> Callable[[onnx.NodeProto], None]:
    def change(node: onnx.NodeProto) -> None:
        kept = [part for part in node.attribute if part.name in ("kernel_shape", "strides", "pads", "ceil_mode")]
        node.op_type = operator
        del node.attribute[:]
        if operator.endswith("Pool"):
            node.attribute.extend(kept)
        for key, value in attributes.items():
            _set(node, key, value)

    return change


_REPLACED: dict[str, dict[str, Callable[[onnx.NodeProto], None]]] = {
    "Relu": {
        "ReLU left out": _renamed("Identity"),
        "LeakyReLU in place of ReLU": _renamed("LeakyRelu", alpha=0.1),
    },
    "Gelu": {
        "ReLU in place of GELU": _renamed("Relu"),
        "GELU by tanh": lambda node: _set(node, "approximate", "tanh"),
    },
    "MaxPool": {"average in place of maximum": _renamed("AveragePool")},
    "AveragePool": {"maximum in place of average": _renamed("MaxPool")},
    "BatchNormalization": {"epsilon of a batch norm 0.01": lambda node: _set(node, "epsilon", 0.01)},
}


def _on_node(name: str, change: Callable[[onnx.NodeProto], None]) -> Change:
    return lambda model: change(_node(model.graph, name))


# What is done to classes and pixels.


def _pair(draw: np.random.Generator, classes: int) -> tuple[int, int]:
    first, second = sorted(int(value) for value in draw.choice(classes, 2, replace=False)) if classes > 1 else (0, 0)
    return first, second


def _classes_in(order: Array) -> Change:
    def change(model: onnx.ModelProto) -> None:
        _insert_after(model.graph, "logits", "Gather", [np.ascontiguousarray(order).astype(np.int64)], axis=1)

    return change


def _logit_lower(index: int, classes: int) -> Change:
    def change(model: onnx.ModelProto) -> None:
        _insert_after(model.graph, "logits", "Add", [np.where(np.arange(classes) == index, -0.5, 0).astype(np.float32)])

    return change


def _pixels_by(image: str, table: Array) -> Change:
    def change(model: onnx.ModelProto) -> None:
        """Look every pixel up; Gather wants a wider index than a pixel has."""
        graph = model.graph
        _read_instead(graph, image, "looked_up")
        graph.initializer.append(numpy_helper.from_array(table, "table" + AFTER))
        graph.node.insert(0, helper.make_node("Gather", ["table" + AFTER, "wide" + AFTER], ["looked_up"]))
        graph.node.insert(0, helper.make_node("Cast", [image], ["wide" + AFTER], to=TensorProto.INT32))

    return change


def _gathered(indices: Array, axis: int, *more: Any) -> Change:
    """Take rows, columns or channels (axes 1, 2, 3 of NHWC) by their numbers, and by others after that."""
    steps = [(indices, axis), *zip(more[::2], more[1::2], strict=True)]

    def change(model: onnx.ModelProto) -> None:
        graph = model.graph
        _read_instead(graph, "image", f"taken_{len(steps) - 1}")
        for place, (own, own_axis) in reversed(list(enumerate(steps))):
            name = f"indices_{place}{AFTER}"
            graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(own).astype(np.int64), name))
            source = f"taken_{place - 1}" if place else "image"
            graph.node.insert(0, helper.make_node("Gather", [source, name], [f"taken_{place}"], axis=own_axis))

    return change


def _transposed(model: onnx.ModelProto) -> None:
    _read_instead(model.graph, "image", "transposed")
    model.graph.node.insert(0, helper.make_node("Transpose", ["image"], ["transposed"], perm=[0, 2, 1, 3]))


def _planes(model: onnx.ModelProto, height: int, width: int, channels: int) -> None:
    """Read the bytes of (H, W, C) as if they were (C, H, W)."""
    graph = model.graph
    _read_instead(graph, "image", "pixels" + AFTER)
    shape = numpy_helper.from_array(np.array([-1, channels, height, width], np.int64), "shape" + AFTER)
    graph.initializer.append(shape)
    graph.node.insert(0, helper.make_node("Transpose", ["planes"], ["pixels" + AFTER], perm=[0, 2, 3, 1]))
    graph.node.insert(0, helper.make_node("Reshape", ["image", "shape" + AFTER], ["planes"]))


# Editing a graph.


def _attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    return next((helper.get_attribute_value(part) for part in node.attribute if part.name == name), default)


def _set(node: onnx.NodeProto, name: str, value: Any) -> None:
    kept = [part for part in node.attribute if part.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute(name, value)])


def _node(graph: onnx.GraphProto, name: str) -> onnx.NodeProto:
    found: onnx.NodeProto = next(node for node in graph.node if node.name == name)
    return found


def _constant(graph: onnx.GraphProto, name: str) -> Array:
    return numpy_helper.to_array(next(tensor for tensor in graph.initializer if tensor.name == name))


def _change(model: onnx.ModelProto, name: str, function: Callable[[Array], Array]) -> None:
    """Replace a constant by a function of it, of the same type: rounded, and within its range, for integers."""
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    before = numpy_helper.to_array(tensor)
    after = function(before)
    if before.dtype.kind in "iu":
        limits = np.iinfo(before.dtype)
        after = np.clip(np.round(after.astype(np.float64)), limits.min, limits.max)
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(after).astype(before.dtype), name))


def _changed(name: str, function: Callable[[Array], Array]) -> Change:
    return lambda model: _change(model, name, function)


def _own_constant(node: str, index: int, function: Callable[[Array], Array]) -> Change:
    """Change what one node alone reads as its input ``index``; others that share the constant keep it."""

    def change(model: onnx.ModelProto) -> None:
        found = _node(model.graph, node)
        copy = TensorProto()
        copy.CopyFrom(next(tensor for tensor in model.graph.initializer if tensor.name == found.input[index]))
        copy.name = f"{copy.name}{AFTER}"
        model.graph.initializer.append(copy)
        found.input[index] = copy.name
        _change(model, copy.name, function)

    return change


def _read_instead(graph: onnx.GraphProto, name: str, other: str) -> None:
    """Let every node that reads a tensor read another one."""
    for node in graph.node:
        for index, read in enumerate(node.input):
            if read == name:
                node.input[index] = other


def _insert_before(
    graph: onnx.GraphProto, node: str, index: int, operator: str, constants: list[Array], **attributes: Any
) -> None:
    """Put an operator in front of one input of a node."""
    place, found = next((i, own) for i, own in enumerate(graph.node) if own.name == node)
    names = _stored(graph, f"{node}_{operator}", constants)
    made = helper.make_node(operator, [found.input[index], *names], [f"{node}_{operator}{AFTER}"], **attributes)
    found.input[index] = made.output[0]
    graph.node.insert(place, made)


def _insert_after(
    graph: onnx.GraphProto, output: str, operator: str, constants: list[Array], **attributes: Any
) -> None:
    """Put an operator between whoever makes an output of the graph and all that read it."""
    place, maker = next((i, own) for i, own in enumerate(graph.node) if output in own.output)
    maker.output[list(maker.output).index(output)] = output + AFTER
    names = _stored(graph, f"{output}_{operator}", constants)
    graph.node.insert(place + 1, helper.make_node(operator, [output + AFTER, *names], [output], **attributes))


def _stored(graph: onnx.GraphProto, prefix: str, constants: list[Array]) -> list[str]:
    names = [f"{prefix}_{index}{AFTER}" for index in range(len(constants))]
    graph.initializer.extend(numpy_helper.from_array(own, name) for own, name in zip(constants, names, strict=True))
    return names
