"""edgecnn's contract around a graph of others, in standard operators: pixels in front, a softmax behind."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgecnn.adopt.answers import Answers
from edgecnn.adopt.pictures import Taken
from edgecnn.adopt.preprocessing import Preprocessing
from edgecnn.adopt.source import Source
from edgecnn.onnx_file import OPSET

OURS = ("image", "logits", "probabilities")
OWN = "adopted."  # how the names of nodes and values begin that are added
LEAST_PROBABILITY = 1e-30  # whose logarithm is taken in place of that of 0
TYPES = {"float": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "double": TensorProto.DOUBLE}


def wrapped(source: Source, taken: Taken, done: Preprocessing, answers: Answers, *, dynamic: bool) -> bytes:
    """Return the serialized model, without a card. ``dynamic`` has it take any number of images, also where the file is
    fixed to one: whether it then still answers the same is to be proven."""
    model = onnx.ModelProto()
    model.CopyFrom(source.model)
    graph = model.graph
    _rename(graph, {name: f"{OWN}{name}" for name in OURS})
    if dynamic and taken.batch is not None:
        _free_batch(graph, taken.batch)
    batch: int | str = "N" if dynamic else taken.batch or 1
    before, after = list(_before(taken, done)), list(_after(_renamed(answers), graph))
    nodes = [*before, *graph.node, *after]
    outputs = {name: [batch, answers.classes] for name in OURS[1:]}
    del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:]
    graph.name = "edgecnn"
    graph.node.extend(_needed(nodes, set(outputs)))
    graph.input.append(helper.make_tensor_value_info(OURS[0], TensorProto.UINT8, [batch, *taken.image.shape]))
    graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, s) for name, s in outputs.items())
    graph.initializer.extend(_constants(taken, done, answers))
    _drop_unused(graph)
    if not any(entry.domain == "" for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid("", OPSET))
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _before(taken: Taken, done: Preprocessing) -> Iterator[onnx.NodeProto]:
    """Yield what makes the file's input of ``image``."""
    steps: list[tuple[str, list[str], dict[str, Any]]] = []
    axis = 1 if taken.layout == "nchw" else 3
    if taken.layout == "nchw":
        steps.append(("Transpose", [], {"perm": [0, 3, 1, 2]}))
    if done.bgr:
        steps.append(("Gather", [f"{OWN}bgr"], {"axis": axis}))
    if taken.kind != "uint8":
        steps.append(("Cast", [], {"to": TensorProto.FLOAT}))
        steps += [("Mul", [f"{OWN}factor"], {})] if (done.factor_c != 1).any() else []
        steps += [("Add", [f"{OWN}shift"], {})] if done.shift_c.any() else []
        steps += [("Cast", [], {"to": TYPES[taken.kind]})] if taken.kind != "float" else []
    if taken.rank == 3:
        steps.append(("Squeeze", [f"{OWN}axis"], {}))
    if taken.rank == 2:
        steps.append(("Flatten", [], {"axis": 1}))
    source = OURS[0]
    for place, (operator, more, attributes) in enumerate(steps or [("Identity", [], {})]):
        name = f"{OWN}input.{place}"
        is_last = place == len(steps) - 1 or not steps
        target = _our_name(taken.name) if is_last else name
        yield helper.make_node(operator, [source, *more], [target], name=name, **attributes)
        source = target


def _after(answers: Answers, graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield what makes logits and probabilities of the file's output."""
    source = answers.softmax or answers.output
    logits = f"{OWN}values" if answers.kind == "probabilities" and answers.softmax is None else OURS[1]
    yield helper.make_node("Flatten", [source], [f"{OWN}flat"], name=f"{OWN}flat", axis=1)
    yield helper.make_node("Cast", [f"{OWN}flat"], [logits], name=f"{OWN}cast", to=TensorProto.FLOAT)
    if logits != OURS[1]:
        yield helper.make_node("Max", [logits, f"{OWN}least"], [f"{OWN}positive"], name=f"{OWN}positive")
        yield helper.make_node("Log", [f"{OWN}positive"], [OURS[1]], name=f"{OWN}log")
    yield helper.make_node("Softmax", [OURS[1]], [OURS[2]], name=f"{OWN}softmax", axis=1)


def _constants(taken: Taken, done: Preprocessing, answers: Answers) -> Iterator[TensorProto]:
    """Yield all that the added nodes may need; what they do not is dropped afterwards."""
    shape = (1, -1, 1, 1) if taken.layout == "nchw" else (1, 1, 1, -1)
    yield numpy_helper.from_array(done.factor_c.reshape(shape), f"{OWN}factor")
    yield numpy_helper.from_array(done.shift_c.reshape(shape), f"{OWN}shift")
    yield numpy_helper.from_array(np.array([2, 1, 0], np.int64), f"{OWN}bgr")
    yield numpy_helper.from_array(np.array([1 if taken.layout == "nchw" else 3], np.int64), f"{OWN}axis")
    yield numpy_helper.from_array(np.array(LEAST_PROBABILITY, np.float32), f"{OWN}least")


def _rename(graph: onnx.GraphProto, new: dict[str, str]) -> None:
    """Give values of a graph, and of those inside it, other names."""
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        value.name = new.get(value.name, value.name)
    for node in graph.node:
        node.input[:] = [new.get(name, name) for name in node.input]
        node.output[:] = [new.get(name, name) for name in node.output]
        for inner in _inner(node):
            _rename(inner, new)


def _our_name(name: str) -> str:
    return f"{OWN}{name}" if name in OURS else name


def _renamed(answers: Answers) -> Answers:
    softmax = None if answers.softmax is None else _our_name(answers.softmax)
    return Answers(_our_name(answers.output), answers.kind, answers.classes, answers.reason, softmax)


def _free_batch(graph: onnx.GraphProto, batch: int) -> None:
    """Have what is reshaped keep the batch that it has, where the graph writes down the one it was made with."""
    shapes = {tensor.name: tensor for tensor in graph.initializer}
    shapes |= {node.output[0]: part.t for node in graph.node if node.op_type == "Constant" for part in node.attribute
               if part.name == "value"}  # fmt: skip
    constant, freed = set(shapes), dict[str, str]()
    for node in graph.node:
        if node.op_type != "Reshape" or node.input[0] in constant or node.input[1] not in shapes:
            continue
        wanted = numpy_helper.to_array(shapes[node.input[1]]).copy()
        if wanted.size < 2 or wanted[0] != batch:
            continue
        wanted[0] = 0 if (wanted[1:] == -1).any() else -1
        name = freed.setdefault(node.input[1], f"{OWN}shape.{len(freed)}")
        if all(tensor.name != name for tensor in graph.initializer):
            graph.initializer.append(numpy_helper.from_array(wanted, name))
        node.input[1] = name


def _needed(nodes: list[onnx.NodeProto], wanted: set[str]) -> list[onnx.NodeProto]:
    """Return the nodes that what is wanted is made of, in their order."""
    kept = []
    for node in reversed(nodes):
        if not wanted.isdisjoint(node.output):
            kept.append(node)
            wanted = wanted | set(_read_by(node))
    return kept[::-1]


def _read_by(node: onnx.NodeProto) -> Iterator[str]:
    yield from node.input
    for inner in _inner(node):
        for part in inner.node:
            yield from _read_by(part)
        yield from (value.name for value in inner.output)


def _inner(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for part in node.attribute:
        yield from (graph for graph in (part.g, *part.graphs) if graph.node or graph.output)


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in _read_by(node)}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
