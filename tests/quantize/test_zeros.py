"""What a quantized graph stores once answers as before, in fewer bytes."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from forming import made
from onnx import TensorProto, helper, numpy_helper

from edgecnn.golden import answers_alone
from edgecnn.metadata import read_card
from edgecnn.quantize.zeros import stored_once


def added(*initializers: onnx.TensorProto) -> bytes:
    """A model that adds constants to its input, one after the other."""
    names = ["x", *(f"s{index}" for index in range(1, len(initializers))), "y"]
    nodes = [
        helper.make_node("Add", [names[index], constant.name], [names[index + 1]])
        for index, constant in enumerate(initializers)
    ]
    given, answer = (helper.make_tensor_value_info(name, TensorProto.INT32, [4]) for name in ("x", "y"))
    return helper.make_model(helper.make_graph(nodes, "g", [given], [answer], list(initializers))).SerializeToString()


def constants(graph: bytes) -> list[str]:
    return [tensor.name for tensor in onnx.load_model_from_string(graph).graph.initializer]


def test_a_static_graph_answers_the_same_in_fewer_bytes(model: Path) -> None:
    images_nhwc = read_card(model).golden.images_nhwc
    graph = made("static", model, images_nhwc)
    smaller = stored_once(graph)
    assert len(smaller) < len(graph)
    before, after = (answers_alone(each, images_nhwc) for each in (graph, smaller))
    np.testing.assert_array_equal(before, after)


def test_zeros_of_a_length_are_stored_once() -> None:
    zeros = np.zeros(4, np.int32)
    graph = added(*(numpy_helper.from_array(zeros, f"z{index}") for index in range(3)))
    assert constants(stored_once(graph)) == ["z0"]
    onnx.checker.check_model(stored_once(graph))


@pytest.mark.parametrize(
    ("value", "other"),
    [
        (np.ones(4, np.int32), np.ones(4, np.int32)),
        (np.zeros(1, np.int32), np.zeros(1, np.int32)),
        (np.zeros(4, np.int32), np.zeros((1, 4), np.int32)),
        (np.zeros(4, np.int32), np.array([0, 0, 0, 1], np.int32)),
        (np.zeros(4, np.int8), np.zeros(4, np.int8)),
    ],
    ids=["equal, no zeros", "a single zero", "another shape", "almost zeros", "of weights"],
)
def test_all_else_stays(value: np.ndarray, other: np.ndarray) -> None:
    graph = added(numpy_helper.from_array(value, "a"), numpy_helper.from_array(other, "b"))
    assert constants(stored_once(graph)) == ["a", "b"]


def test_a_graph_within_a_graph_keeps_all_its_names() -> None:
    zeros = [numpy_helper.from_array(np.zeros(4, np.int32), name) for name in ("a", "b")]
    model = onnx.load_model_from_string(added(*zeros))
    inside = helper.make_graph(
        [helper.make_node("Identity", ["b"], ["inner"])], "inside", [], [helper.make_empty_tensor_value_info("inner")]
    )
    model.graph.node.append(helper.make_node("If", ["c"], ["z"], then_branch=inside, else_branch=inside))
    assert constants(stored_once(model.SerializeToString())) == ["a", "b"]
