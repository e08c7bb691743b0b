"""A graph made ready for a generator of C: a batch of one, its integers computed as integers, names that C can have.

A quantized file computes in float between ``DequantizeLinear`` and ``QuantizeLinear``, and a runtime puts integer
kernels in their place. A generator takes a graph as it is, with the weights as floats in RAM, so the same is done here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from edgecnn.errors import EmbedError
from edgecnn.text import excerpt

# What may be done before as well as after dequantizing.
MOVES = ("Flatten", "Identity", "MaxPool", "Reshape", "Squeeze", "Transpose", "Unsqueeze")


@dataclass(frozen=True)
class _Graph:
    """A graph with the node that makes each value, and those that take it."""

    graph: onnx.GraphProto
    constants: dict[str, NDArray[Any]]
    maker: dict[str, onnx.NodeProto]
    takers: dict[str, list[onnx.NodeProto]]

    @classmethod
    def of(cls, graph: onnx.GraphProto) -> "_Graph":
        """Index a graph."""
        takers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                takers.setdefault(name, []).append(node)
        constants = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
        return cls(graph, constants, {name: node for node in graph.node for name in node.output}, takers)

    def dequantizer(self, name: str) -> onnx.NodeProto | None:
        """Return the node that makes a value of integers, where its scale and zero point are constants."""
        node = self.maker.get(name)
        if node is None or node.op_type != "DequantizeLinear" or len(node.input) < 3:
            return None
        return node if node.input[1] in self.constants and node.input[2] in self.constants else None

    def quantizer(self, name: str) -> onnx.NodeProto | None:
        """Return the node that makes integers of a value, where nothing else takes it."""
        takers = self.takers.get(name, [])
        given = any(output.name == name for output in self.graph.output)
        if given or len(takers) != 1 or takers[0].op_type != "QuantizeLinear" or len(takers[0].input) < 3:
            return None
        return takers[0] if self.one(takers[0].input[1]) and self.one(takers[0].input[2]) else None

    def one(self, name: str) -> bool:
        """Whether a name is that of a constant of one value."""
        return name in self.constants and self.constants[name].size == 1

    def same(self, one: str, other: str) -> bool:
        """Whether two names are those of the same constant."""
        return one == other or np.array_equal(self.constants[one], self.constants[other])


def ready(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """Return a copy for images one by one, without a card, that computes in integers what its scales allow.

    Raises EmbedError for a graph with texts or graphs in its attributes that a generator would have to take on trust.
    """
    graph = onnx.GraphProto(node=model.graph.node, initializer=model.graph.initializer)
    graph.input.extend(_of_one(value) for value in model.graph.input)
    graph.output.extend(_of_one(value) for value in model.graph.output)
    _refuse_hidden(graph, name)
    _widen(graph)
    _join(graph)
    _put_in_order(graph)
    _rename(graph)
    used = {node.domain for node in graph.node}
    versions = [entry for entry in model.opset_import if entry.domain in used]
    return onnx.helper.make_model(graph, opset_imports=versions, ir_version=model.ir_version)


def _of_one(value: onnx.ValueInfoProto) -> onnx.ValueInfoProto:
    """Return a picture, or an answer, of a batch of one."""
    shape = [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
    return onnx.helper.make_tensor_value_info(value.name, value.type.tensor_type.elem_type, [1, *shape[1:]])


def _refuse_hidden(graph: onnx.GraphProto, name: str) -> None:
    """Refuse texts that are no plain words: they end up in comments of the source, where one could end the comment."""
    for node in graph.node:
        texts = [node.op_type, node.domain]
        for one in node.attribute:
            texts += [one.name, *(each.decode(errors="replace") for each in (one.s, *one.strings))]
            if one.HasField("g") or one.graphs:
                raise EmbedError(f"{name}: operator {node.op_type} has a graph inside, which c99 cannot carry.")
        if not all(re.fullmatch(r"[\w.+-]*", text, flags=re.A) for text in texts):
            raise EmbedError(
                f"{name}: operator {excerpt(node.op_type)} has a text that c99 cannot carry. Export it again."
            )


def _widen(graph: onnx.GraphProto) -> None:
    """Cast constants here, as a runtime does when it loads a file: the program would have them in RAM."""
    constants = {entry.name: entry for entry in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "Cast" and node.input[0] in constants]:
        kind = onnx.helper.tensor_dtype_to_np_dtype(node.attribute[0].i)
        wide = numpy_helper.to_array(constants[node.input[0]]).astype(kind)
        graph.initializer.append(numpy_helper.from_array(wide, node.output[0]))
        graph.node.remove(node)


def _join(graph: onnx.GraphProto) -> None:
    """Put integer operators in the place of float ones that stand between a dequantizer and a quantizer."""
    index = _Graph.of(graph)
    for node in graph.node:
        if node.op_type == "Conv":
            _join_conv(index, node)
        elif node.op_type in MOVES:
            _join_move(index, node)


def _join_conv(index: _Graph, conv: onnx.NodeProto) -> None:
    parts = [part for name in conv.input if (part := index.dequantizer(name)) is not None]
    after = index.quantizer(conv.output[0])
    if after is None or len(parts) < len(conv.input) or not _fits(index, parts):
        return
    conv.op_type = "QLinearConv"
    image, weights, *bias = parts
    _replace(conv, [*image.input, *weights.input, *after.input[1:], *(part.input[0] for part in bias)], after)


def _fits(index: _Graph, parts: list[onnx.NodeProto]) -> bool:
    """Whether the scales are those of one integer convolution: an image's one, a bias's those of the products."""
    image, weights, *bias = parts
    scales = index.constants[weights.input[1]]
    axis = next((one.i for one in weights.attribute if one.name == "axis"), 1)
    if not index.one(image.input[1]) or not index.one(image.input[2]) or (scales.size > 1 and axis != 0):
        return False
    if weights.input[0] not in index.constants or any(part.input[0] not in index.constants for part in bias):
        return False
    products = index.constants[image.input[1]].ravel() * scales.ravel()
    return all(
        np.allclose(index.constants[part.input[1]].ravel(), products, rtol=1e-5, atol=0)
        and not index.constants[part.input[2]].any()
        for part in bias
    )


def _join_move(index: _Graph, move: onnx.NodeProto) -> None:
    before, after = index.dequantizer(move.input[0]), index.quantizer(move.output[0])
    if before is None or after is None or len(move.output) > 1:
        return
    if all(index.same(*pair) for pair in zip(before.input[1:], after.input[1:], strict=True)):
        _replace(move, [before.input[0], *move.input[1:]], after)


def _replace(node: onnx.NodeProto, inputs: list[str], after: onnx.NodeProto) -> None:
    """Give a node other inputs, and the output of the quantizer after it, which nothing then needs."""
    outputs = list(after.output)
    del node.input[:], node.output[:], after.output[:], after.input[:]
    node.input.extend(inputs)
    node.output.extend(outputs)


def _put_in_order(graph: onnx.GraphProto) -> None:
    """Keep the nodes that an output needs, each just before the first that takes what it makes."""
    index = _Graph.of(graph)
    ordered: dict[int, onnx.NodeProto] = {}
    waiting = [index.maker[output.name] for output in reversed(graph.output)]
    while waiting:
        node = waiting[-1]
        missing = [index.maker[name] for name in node.input if name in index.maker]
        missing = [one for one in missing if id(one) not in ordered]
        if missing:
            waiting.extend(reversed(missing))
        else:
            ordered.setdefault(id(waiting.pop()), node)
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in ordered.values()]
    needed = {name for node in kept for name in node.input}
    constants = [entry for entry in graph.initializer if entry.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(kept)
    graph.initializer.extend(constants)


def _rename(graph: onnx.GraphProto) -> None:
    """Give names that can stand in a program and its comments: those of a file may be anything."""
    kept = {value.name: value.name for value in (*graph.input, *graph.output)}
    names = dict(kept)
    for name in _names(graph):
        if name and name not in names:
            names[name] = f"{re.sub('[^A-Za-z0-9]+', '_', name, flags=re.A)[-40:].strip('_')}_{len(names)}"
    for entry in graph.initializer:
        entry.name, entry.doc_string = names[entry.name], ""
    for node in graph.node:
        inputs, outputs = ([names.get(name, "") for name in side] for side in (node.input, node.output))
        del node.input[:], node.output[:]
        node.input.extend(inputs)
        node.output.extend(outputs)
        node.name, node.doc_string = "", ""
    graph.name = "network"


def _names(graph: onnx.GraphProto) -> Iterator[str]:
    for node in graph.node:
        yield from node.input
        yield from node.output
