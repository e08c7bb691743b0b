"""What the quantizer changes, and what it leaves in float32."""

import inspect
from pathlib import Path

import numpy as np
import onnx
import pytest
from forming import made
from onnx import TensorProto, numpy_helper

from edgecnn.errors import EdgecnnError
from edgecnn.quantize import forms
from edgecnn.quantize.forms import Form, Parent
from edgecnn.runtime.classifier import load
from edgecnn.runtime.session import open_model

each = pytest.mark.parametrize("name", forms.names())


def test_finds_every_file() -> None:
    assert forms.names() == (
        "dense",
        "fp16",
        "mixed",
        "static",
        "static-full",
    )  # a new form edits this


@each
def test_has_what_the_protocol_asks_for(name: str) -> None:
    form = forms.get(name)
    assert {key: type(getattr(form, key)) for key in Form.__annotations__} == Form.__annotations__
    for function in ("unfit", "build"):
        wanted = list(inspect.signature(getattr(Form, function)).parameters)[1:]
        assert list(inspect.signature(getattr(form, function)).parameters) == wanted


def test_no_two_forms_have_one_name() -> None:
    assert len({forms.get(name).NAME for name in forms.names()} | {"fp32"}) == len(forms.names()) + 1


def test_an_unknown_form_is_an_error() -> None:
    with pytest.raises(
        EdgecnnError, match=r"no form 'dence'; there is dense, fp16, .*, static-full, or auto\. Did you"
    ):
        forms.get("dence")


@pytest.mark.parametrize("name", ["mixed", "static", "static-full"])
def test_a_calibrated_form_is_another_with_other_images(model: Path, name: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (32, 28, 28, 1), np.uint8)
    assert forms.get(name).CALIBRATED
    assert made(name, model, images) != made(name, model, images // 2)


class Graph:
    """A model's nodes and tensors by what they are."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.nodes = list(model.graph.node)
        self.tensors = {tensor.name: tensor for tensor in model.graph.initializer}
        self.made_by = {output: node for node in self.nodes for output in node.output}

    def of(self, *operators: str) -> list[onnx.NodeProto]:
        return [node for node in self.nodes if node.op_type in operators]

    def weights_of(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """What dequantizes the weights of a layer."""
        return self.made_by[node.input[1]]

    def type_of(self, name: str) -> int:
        return self.tensors[name].data_type


@pytest.fixture(scope="module")
def parent(model: Path) -> Graph:
    return Graph(onnx.load(model))


@pytest.fixture(scope="module")
def static(static_model: Path) -> Graph:
    return Graph(onnx.load(static_model))


@pytest.fixture(scope="module")
def dense(once, model: Path) -> Graph:
    path = once("dense-form.onnx", lambda target: target.write_bytes(made("dense", model)))
    return Graph(onnx.load(path))


def test_static_has_only_standard_operators(static: Graph) -> None:
    assert {node.domain for node in static.nodes} == {""}


def test_static_convolutions_have_int8_weights(static: Graph) -> None:
    assert len(static.of("Conv")) == 4
    for convolution in static.of("Conv"):
        assert static.type_of(static.weights_of(convolution).input[0]) == TensorProto.INT8


def test_static_weights_have_a_scale_for_each_channel(static: Graph) -> None:
    for convolution in static.of("Conv"):
        weights = static.weights_of(convolution)
        channels = static.tensors[weights.input[0]].dims[0]
        assert list(static.tensors[weights.input[1]].dims) == [channels]
        assert [attribute.i for attribute in weights.attribute if attribute.name == "axis"] == [0]


def test_static_weights_are_symmetric(static: Graph) -> None:
    for convolution in static.of("Conv"):
        assert not numpy_helper.to_array(static.tensors[static.weights_of(convolution).input[2]]).any()


def test_static_activations_are_uint8(static: Graph) -> None:
    quantizers = static.of("QuantizeLinear")
    assert len(quantizers) >= 4
    assert {static.type_of(node.input[2]) for node in quantizers} == {TensorProto.UINT8}


def test_static_convolutions_take_quantized_activations(static: Graph) -> None:
    assert {static.made_by[node.input[0]].op_type for node in static.of("Conv")} == {"DequantizeLinear"}


def test_static_leaves_the_last_dense_layer_in_float(static: Graph, parent: Graph) -> None:
    (last,) = static.of("Gemm")
    assert static.type_of(last.input[1]) == TensorProto.FLOAT
    weights = [numpy_helper.to_array(graph.tensors[last.input[1]]) for graph in (static, parent)]
    assert np.array_equal(*weights)
    assert list(last.output) == ["logits"]


def test_static_leaves_the_softmax_in_float(static: Graph) -> None:
    (softmax,) = static.of("Softmax")
    assert (list(softmax.input), list(softmax.output)) == (["logits"], ["probabilities"])


def test_static_leaves_the_preprocessing_in_float(static: Graph) -> None:
    before = static.nodes[: static.nodes.index(static.of("QuantizeLinear")[0])]
    steps = [node for node in before if node.op_type != "DequantizeLinear"]
    assert [node.op_type for node in steps] == ["Transpose", "Cast", "Mul"]
    assert steps[0].input[0] == "image"
    assert static.type_of(steps[2].input[1]) == TensorProto.FLOAT


def test_static_answers_close_to_its_parent(model: Path, static_model: Path) -> None:
    session, parent_session = open_model(static_model).session, open_model(model).session
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28, 1), np.uint8)
    found, expected = (one.run(["logits"], {"image": images})[0] for one in (session, parent_session))
    assert not np.array_equal(found, expected)
    assert np.abs(found - expected).max() < 0.3 * np.ptp(expected)


def test_dense_has_only_standard_operators(dense: Graph) -> None:
    assert {node.domain for node in dense.nodes} == {""}


def test_dense_replaces_every_dense_layer(dense: Graph, parent: Graph) -> None:
    assert len(dense.of("MatMulInteger")) == len(parent.of("Gemm", "MatMul")) == 1
    assert dense.of("Gemm", "MatMul") == []


def test_dense_layers_have_int8_weights(dense: Graph) -> None:
    assert {dense.type_of(node.input[1]) for node in dense.of("MatMulInteger")} == {TensorProto.INT8}


def test_dense_leaves_the_convolutions_as_they_are(dense: Graph, parent: Graph) -> None:
    for before, after in zip(parent.of("Conv"), dense.of("Conv"), strict=True):
        for one, other in zip(before.input[1:], after.input[1:], strict=True):
            assert np.array_equal(*(numpy_helper.to_array(t) for t in (parent.tensors[one], dense.tensors[other])))


def test_dense_leaves_all_in_front_of_the_dense_layer_as_it_is(dense: Graph, parent: Graph) -> None:
    kinds = [node.op_type for node in parent.nodes if node.op_type != "Add" and node.op_type not in ("Gemm", "Softmax")]
    found = [node.op_type for node in dense.nodes]
    assert found[: found.index("DynamicQuantizeLinear")] == kinds


def test_finds_dense_layers(model: Path) -> None:
    dense = forms.get("dense")
    assert dense.unfit(forms.parent_of(model)) is None
    without = onnx.load(model)
    kept = [node for node in without.graph.node if node.op_type != "Gemm"]
    del without.graph.node[:]
    without.graph.node.extend(kept)
    assert dense.unfit(Parent(without.SerializeToString(), load(model).card)) == "has no dense layer to quantize"


def test_parent_is_left_as_it_was(model: Path) -> None:
    before = model.read_bytes()
    made("dense", model)
    assert model.read_bytes() == before
