"""Layers, parameters and operations of a model file, against a count by hand."""

from pathlib import Path

import onnx
import pytest

from edgecnn import inspection, onnx_file
from edgecnn.errors import CardError, ModelError
from edgecnn.inspection import Inspection, Layer
from edgecnn.quantize import forms
from edgecnn.runtime.classifier import load

# The small model: convolutions of 3x3 with their norms folded in, (weights, biases, positions).
CONVOLUTIONS = [(8 * 1 * 9, 8, 28 * 28), (8 * 8 * 9, 8, 28 * 28), (16 * 8 * 9, 16, 14 * 14), (16 * 16 * 9, 16, 14 * 14)]
DENSE = (16 * 10, 10)
PREPROCESSING = 2  # one scale, one shift


def layers_of(inspected: Inspection, *operators: str) -> list[Layer]:
    return [layer for layer in inspected.layers if layer.operator in operators]


@pytest.fixture(scope="module")
def plain(model: Path) -> Inspection:
    return inspection.inspect(model)


@pytest.fixture(scope="module")
def static(static_model: Path) -> Inspection:
    return inspection.inspect(static_model)


def test_convolutions_have_the_parameters_counted_by_hand(plain: Inspection) -> None:
    assert [layer.parameters for layer in layers_of(plain, "Conv")] == [w + b for w, b, _ in CONVOLUTIONS]


def test_convolutions_use_every_weight_at_every_position(plain: Inspection) -> None:
    assert [layer.macs for layer in layers_of(plain, "Conv")] == [w * positions for w, _, positions in CONVOLUTIONS]


def test_dense_layer_uses_every_weight_once(plain: Inspection) -> None:
    (layer,) = layers_of(plain, "Gemm")
    assert (layer.parameters, layer.macs) == (sum(DENSE), DENSE[0])


def test_sums_are_those_of_the_layers(plain: Inspection) -> None:
    trained = sum(w + b for w, b, _ in CONVOLUTIONS) + sum(DENSE)
    assert plain.parameters == trained + PREPROCESSING
    assert plain.macs == sum(w * positions for w, _, positions in CONVOLUTIONS) + DENSE[0]


def test_float_weights_take_four_bytes_each(plain: Inspection) -> None:
    for layer in layers_of(plain, "Conv", "Gemm"):
        assert (layer.weight_bytes, layer.weight_type) == (4 * layer.parameters, "float")


def test_layers_have_the_shape_of_their_output(plain: Inspection) -> None:
    assert [layer.output_shape for layer in layers_of(plain, "Conv", "Gemm")] == [
        "N x 8 x 28 x 28",
        "N x 8 x 28 x 28",
        "N x 16 x 14 x 14",
        "N x 16 x 14 x 14",
        "N x 10",
    ]


def test_every_operator_is_a_layer(plain: Inspection) -> None:
    assert [layer.operator for layer in plain.layers][:4] == ["Transpose", "Cast", "Mul", "Add"]
    assert plain.layers[-1].operator == "Softmax"


def test_file_is_described(plain: Inspection, model: Path) -> None:
    assert (plain.path, plain.size_bytes, plain.opset, plain.ir_version) == (model, model.stat().st_size, 21, 10)
    assert plain.card.to_json() == load(model).card.to_json()


def test_quantized_convolutions_have_the_same_parameters_and_macs(plain: Inspection, static: Inspection) -> None:
    def counted(inspected: Inspection) -> list[tuple[int, int]]:
        return [(layer.parameters, layer.macs) for layer in layers_of(inspected, "Conv", "Gemm")]

    assert counted(static) == counted(plain)


def test_quantized_weights_take_one_byte_and_biases_four(static: Inspection) -> None:
    found = [(layer.weight_bytes, layer.weight_type) for layer in layers_of(static, "Conv")]
    assert found == [(w + 4 * b, "int8") for w, b, _ in CONVOLUTIONS]


def test_quantizers_are_no_layers(static: Inspection) -> None:
    assert layers_of(static, "QuantizeLinear", "DequantizeLinear") == []


def test_dense_form_has_the_weights_of_its_dense_layer(model: Path, tmp_path: Path) -> None:
    onnx_file.write_with_card(forms.dense(model), load(model).card, tmp_path / "dense.onnx")
    (layer,) = layers_of(inspection.inspect(tmp_path / "dense.onnx"), "MatMulInteger")
    assert (layer.parameters, layer.macs, layer.weight_bytes, layer.weight_type) == (160, 160, 160, "int8")


def test_file_that_is_no_model_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"broken\.onnx: not a model"):
        inspection.inspect(tmp_path / "broken.onnx")


def test_model_without_a_card_is_a_message(model: Path, tmp_path: Path) -> None:
    bare = onnx.load(model)
    del bare.metadata_props[:]
    onnx.save(bare, tmp_path / "bare.onnx")
    with pytest.raises(CardError, match=r"bare\.onnx: no edgecnn card"):
        inspection.inspect(tmp_path / "bare.onnx")
