"""The proof that int8 sums fit 16 bits: what it accepts no input can overflow, and what it refuses some input does."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
from forming import made
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx import TensorProto, helper, numpy_helper

from edgecnn.card import PAIR_BOUND
from edgecnn.errors import Int8Warning
from edgecnn.runtime.classifier import load
from edgecnn.saturation import Channel, pair_sums, prove

TOP = 127
channels = arrays.arrays(np.int64, st.integers(1, 24), elements=st.integers(-128, TOP))


def scaled_to_fit(weights_k: np.ndarray) -> np.ndarray:
    """Shrink weights until the proof accepts them."""
    largest = pair_sums(weights_k[None])[0]
    return weights_k if largest <= PAIR_BOUND else np.trunc(weights_k * PAIR_BOUND / largest).astype(np.int64)


def pairs_of(activations_k: np.ndarray, weights_k: np.ndarray, order_k: list[int]) -> np.ndarray:
    """Return what a kernel adds in 16 bits that takes the products two by two in some order."""
    products = (activations_k * weights_k)[order_k]
    return np.pad(products, (0, len(products) % 2)).reshape(-1, 2).sum(axis=1)


# The bound


@given(channels, st.data())
def test_no_input_in_any_order_overflows_what_is_accepted(weights_k: np.ndarray, data: st.DataObject) -> None:
    safe_k = scaled_to_fit(weights_k)
    count = len(safe_k)
    activations_k = data.draw(arrays.arrays(np.int64, count, elements=st.sampled_from([0, 1, 254, 255])))
    sums = pairs_of(activations_k, safe_k, data.draw(st.permutations(range(count))))
    assert sums.min() >= -(2**15)
    assert sums.max() < 2**15


@given(channels)
def test_some_input_overflows_what_is_refused(weights_k: np.ndarray) -> None:
    """Unless the sum is just above the bound and negative: -128 * 256 fits, 255 * -128 does by far."""
    if pair_sums(weights_k[None])[0] <= PAIR_BOUND:
        return
    worst = []
    for sign in (1, -1):
        first, second = np.argsort(-sign * weights_k, kind="stable")[:2] if len(weights_k) > 1 else (0, 0)
        rest = [index for index in range(len(weights_k)) if index not in (first, second)]
        activations_k = np.where(sign * weights_k > 0, 255, 0)
        worst.append(np.abs(pairs_of(activations_k, weights_k, [int(first), int(second), *rest])).max())
    assert max(worst) > 2**15 - 1


def test_bound_is_as_large_as_it_can_be() -> None:
    assert 255 * PAIR_BOUND < 2**15 <= 255 * (PAIR_BOUND + 1)


@given(arrays.arrays(np.int64, st.tuples(st.integers(1, 4), st.integers(1, 6)), elements=st.integers(-128, TOP)))
def test_pair_sum_is_that_of_the_best_pair(weights_ck: np.ndarray) -> None:
    for weights_k, found in zip(weights_ck, pair_sums(weights_ck), strict=True):
        alone = [abs(weight) for weight in weights_k]
        pairs = [abs(a + b) for i, a in enumerate(weights_k) for b in weights_k[:i] if a * b > 0]
        assert found == max(alone + pairs)


# What is read from a graph

UNIT, ZERO = numpy_helper.from_array(np.float32(1), "one"), numpy_helper.from_array(np.uint8(0), "zero")


def graph(nodes: list[onnx.NodeProto], **weights: np.ndarray) -> bytes:
    """Return a model of those nodes behind a dequantized input ``x`` (``q`` before that)."""
    quantized = helper.make_node("DequantizeLinear", ["q", "one", "zero"], ["x"])
    tensors = [UNIT, ZERO, *(numpy_helper.from_array(value, name) for name, value in weights.items())]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    made = helper.make_graph(
        [quantized, *nodes], "g", [helper.make_tensor_value_info("q", TensorProto.UINT8, None)], [output], tensors
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)]).SerializeToString()


def dequantized(name: str) -> onnx.NodeProto:
    return helper.make_node("DequantizeLinear", [name, "one"], [f"{name}f"])


def weights(*rows: list[int], dtype: type = np.int8) -> np.ndarray:
    return np.array(rows, dtype)


def test_convolution_is_judged_by_its_output_channels() -> None:
    conv = helper.make_node("Conv", ["x", "wf"], ["y"], name="conv")
    kernels = weights([1, -90, 2, 3], [60, 4, 69, -1])[..., None, None]
    found = prove(graph([dequantized("w"), conv], w=kernels))
    assert (found.worst, found.layers, found.safe) == (Channel("conv", 1, 129), 1, False)


@pytest.mark.parametrize(("transposed", "worst"), [(0, Channel("y", 2, 101)), (1, Channel("y", 0, 200))])
def test_dense_layer_is_judged_along_its_inputs(transposed: int, worst: Channel) -> None:
    """Two weights of 100 lie in one row: in one channel only where rows are channels."""
    gemm = helper.make_node("Gemm", ["x", "wf"], ["y"], transB=transposed)
    found = prove(graph([dequantized("w"), gemm], w=weights([100, 0, 100], [0, 0, 1], [-9, 0, 0])))
    assert (found.worst, found.safe) == (worst, worst.pair_sum <= PAIR_BOUND)


@pytest.mark.parametrize(
    ("operator", "inputs"),
    [
        ("MatMulInteger", ["q", "w"]),
        ("QLinearMatMul", ["q", "one", "zero", "w", "one", "wz", "one", "zero"]),
        ("ConvInteger", ["q", "w"]),
        ("QLinearConv", ["q", "one", "zero", "w", "one", "wz", "one", "zero"]),
    ],
)
def test_integer_operators_are_judged_as_they_are(operator: str, inputs: list[str]) -> None:
    node = helper.make_node(operator, inputs, ["y"], name="layer")
    loud, quiet = weights([100, 100], [100, 100]), weights([64, -127], [64, 1])
    shape = (2, 2, 1, 1) if "Conv" in operator else (2, 2)
    assert prove(graph([node], w=loud.reshape(shape), wz=np.int8(0))).worst == Channel("layer", 0, 200)
    assert prove(graph([node], w=quiet.reshape(shape), wz=np.int8(0))).safe


def test_transposed_weights_are_followed() -> None:
    nodes = [
        dequantized("w"),
        helper.make_node("Transpose", ["wf"], ["wt"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "wt"], ["y"]),
    ]
    found = prove(graph(nodes, w=weights([100, 1], [100, 0])))
    assert found.worst == Channel("y", 0, 101)


def test_reshaped_weights_are_bounded_as_one_channel() -> None:
    nodes = [
        dequantized("w"),
        helper.make_node("Reshape", ["wf", "shape"], ["wr"]),
        helper.make_node("MatMul", ["x", "wr"], ["y"]),
    ]
    found = prove(graph(nodes, w=weights([100, 0], [0, 100]), shape=np.array([2, 2])))
    assert found.worst == Channel("y", 0, 200)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_weights_that_are_not_signed_bytes_are_safe(dtype: type) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    if dtype is np.uint8:
        nodes = [dequantized("w"), helper.make_node("MatMul", ["x", "wf"], ["y"])]
    found = prove(graph(nodes, w=weights([100], [100], dtype=dtype)))
    assert (found.layers, found.safe) == (0, True)


def test_float_activations_are_multiplied_in_float() -> None:
    nodes = [
        dequantized("w"),
        helper.make_node("Mul", ["x", "one"], ["scaled"]),
        helper.make_node("MatMul", ["scaled", "wf"], ["y"]),
    ]
    found = prove(graph(nodes, w=weights([100], [100])))
    assert (found.layers, found.safe) == (0, True)


def test_a_pooled_quantized_input_is_still_quantized() -> None:
    nodes = [
        dequantized("w"),
        helper.make_node("MaxPool", ["x"], ["pooled"], kernel_shape=[1, 1]),
        helper.make_node("Conv", ["pooled", "wf"], ["y"]),
    ]
    assert not prove(graph(nodes, w=weights([100, 100])[..., None, None])).safe


def test_weights_computed_in_the_graph_are_not_proven() -> None:
    nodes = [
        helper.make_node("QuantizeLinear", ["f", "one", "signed"], ["w"]),
        dequantized("w"),
        helper.make_node("MatMul", ["x", "wf"], ["y"], name="layer"),
    ]
    found = prove(graph(nodes, f=np.float32([[1]]), signed=np.int8(0)))
    assert (found.unproven, found.safe) == (["layer: its signed weights are computed in the graph"], False)


def test_two_unsigned_activations_are_safe() -> None:
    nodes = [
        helper.make_node("QuantizeLinear", ["f", "one", "zero"], ["w"]),
        dequantized("w"),
        helper.make_node("MatMul", ["x", "wf"], ["y"]),
    ]
    assert prove(graph(nodes, f=np.float32([[1]]))).safe


def test_an_operator_that_is_not_known_is_not_proven() -> None:
    node = helper.make_node("QAttention", ["q", "w"], ["y"], domain="com.microsoft")
    found = prove(graph([node], w=weights([1, 1])))
    assert found.unproven == ["y: what com.microsoft.QAttention does with its int8 weights is not known"]


def test_branches_are_looked_into() -> None:
    inner = helper.make_graph(
        [helper.make_node("MatMulInteger", ["q", "w"], ["z"], name="inner")],
        "then",
        [],
        [helper.make_tensor_value_info("z", TensorProto.INT32, None)],
    )
    node = helper.make_node("If", ["condition"], ["y"], then_branch=inner, else_branch=inner)
    found = prove(graph([node], w=weights([100], [100]), condition=np.array(True)))
    assert found.worst == Channel("inner", 0, 200)


# Our own forms


def test_static_form_is_safe_and_its_card_says_so(static_model: Path) -> None:
    found, card = prove(static_model), load(static_model).card
    assert found.safe
    assert found.layers == 4
    assert card.quantization is not None
    assert card.quantization.overflow == found.overflow


def test_full_form_is_not_and_its_card_says_so(full_model: Path) -> None:
    found = prove(full_model)
    assert not found.safe
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Int8Warning)  # where this processor saturates
        card = load(full_model).card
    assert card.quantization is not None
    assert card.quantization.overflow == found.overflow


def test_dense_form_is_safe(model: Path) -> None:
    assert prove(made("dense", model)).safe


def test_float_form_has_nothing_to_prove(model: Path) -> None:
    assert (prove(model).layers, prove(model).safe) == (0, True)
