"""Layers, parameters and operations of a model file, against a count by hand."""

from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
from forming import made
from onnx import TensorProto, helper, numpy_helper
from programs import program

from edgecnn import inspection, onnx_file, zoo
from edgecnn.errors import CardError, ModelError
from edgecnn.inspection import Inspection, Layer
from edgecnn.runtime.classifier import load

ZOO = Path(__file__).resolve().parents[1] / "exported"

# The small model: convolutions of 3x3 with their norms folded in, (weights, biases, positions).
CONVOLUTIONS = [(8 * 1 * 9, 8, 28 * 28), (8 * 8 * 9, 8, 28 * 28), (16 * 8 * 9, 16, 14 * 14), (16 * 16 * 9, 16, 14 * 14)]
DENSE = (16 * 10, 10)
NORMS = 8 + 8 + 16 + 16  # channels whose norm was trained with a scale as well, which is folded into the weights


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
    assert (plain.parameters, plain.stored_parameters) == (trained + NORMS, trained)
    assert plain.macs == sum(w * positions for w, _, positions in CONVOLUTIONS) + DENSE[0]


def test_float_weights_take_four_bytes_each(plain: Inspection) -> None:
    for layer in layers_of(plain, "Conv", "Gemm"):
        assert (layer.weight_bytes, layer.weight_type) == (4 * layer.parameters, "float")


def test_layers_have_the_shape_of_their_output(plain: Inspection) -> None:
    assert [layer.output_shape for layer in layers_of(plain, "Conv", "Gemm")] == [
        "1 x 8 x 28 x 28",
        "1 x 8 x 28 x 28",
        "1 x 16 x 14 x 14",
        "1 x 16 x 14 x 14",
        "1 x 10",
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
    onnx_file.write_with_card(made("dense", model), load(model).card, tmp_path / "dense.onnx")
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


# Against counts that share no code with it


@pytest.fixture(scope="module")
def counts() -> ModuleType:
    return program("tools/docs/counts_page.py")


def compare_counts(counts: ModuleType, path: Path) -> Inspection:
    found = inspection.inspect(path)
    image = np.zeros(found.image_shape, np.uint8)
    parameters, macs = counts.torch_counts(found.card)
    assert (found.parameters, found.macs) == (parameters, macs)
    assert found.macs == counts.run_macs(path, image)
    content = found.content
    assert content.weights + content.constants + content.card + content.graph == path.stat().st_size
    assert content.card == counts.card_bytes(path)
    assert content.graph > 0
    return found


def test_counts_of_the_small_model_are_those_of_two_others(counts, model: Path, static_model: Path) -> None:
    compare_counts(counts, model)
    compare_counts(counts, static_model)


def test_operations_of_the_dense_form_are_those_that_run(counts, model: Path, tmp_path: Path) -> None:
    onnx_file.write_with_card(made("dense", model), load(model).card, tmp_path / "dense.onnx")
    found = compare_counts(counts, tmp_path / "dense.onnx")
    assert found.stored_parameters == sum(w + b for w, b, _ in CONVOLUTIONS) + sum(DENSE)


@pytest.mark.parametrize("form", ["fp32", "preferred"])
def test_mirrored_views_count_twice(counts: ModuleType, form: str) -> None:
    found = compare_counts(counts, ZOO / "cifar10-fast" / f"{form}.onnx")
    assert (found.parameters, found.macs) == (1_972_792, 236_294_720)


@pytest.mark.parametrize("form", ["fp32", "preferred"])
def test_detector_counts_its_weights_once_and_its_operations_at_each_size(counts: ModuleType, form: str) -> None:
    found = compare_counts(counts, ZOO / "digit-finder" / f"{form}.onnx")
    assert (found.parameters, found.macs, found.image_shape) == (225_141, 731_136_000, (1, 480, 640, 1))
    assert found.content.weights < 1.05 * 4 * found.parameters


def test_constants_are_no_parameters(counts: ModuleType) -> None:
    found = compare_counts(counts, ZOO / "mnist-c1" / "fp32.onnx")
    assert found.parameters == found.stored_parameters == 4_470


def test_page_has_every_model_of_the_zoo_with_equal_counts() -> None:
    table = (ZOO.parent / "docs" / "results" / "counts.md").read_text(encoding="utf-8").split("## Bytes")[0]
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if "/" in line and "| " in line
    ]
    by_name = {row[0].partition(" ")[0]: row for row in rows}
    forms_of_all = {f"{each.name}/{form}" for each in zoo.models_in(ZOO) for form in each.forms}
    assert forms_of_all <= by_name.keys(), "run: make docs"
    assert all(row[1] == row[2] and row[4] == row[5] == row[6] for row in by_name.values())
    assert len({name.partition("/")[0] for name in forms_of_all}) >= 10


def test_size_that_depends_on_the_content_is_not_guessed(model: Path, tmp_path: Path) -> None:
    """A product of matrices with as many rows as there are bright pixels."""
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=1),
        helper.make_node("NonZero", ["pixels"], ["places"]),
        helper.make_node("Cast", ["places"], ["floats"], to=1),
        helper.make_node("Transpose", ["floats"], ["rows"], perm=[1, 0]),
        helper.make_node("MatMul", ["rows", "weight"], ["logits"], name="product"),
        helper.make_node("Identity", ["logits"], ["probabilities"]),
    ]
    weight = numpy_helper.from_array(np.ones((4, 10), np.float32), "weight")
    shapes = (["N", 28, 28, 1], ["M", 10])
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, shapes[0])
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[1]) for name in ("logits", "probabilities")
    ]
    graph = helper.make_graph(nodes, "bright", [image], outputs, [weight])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx_file.write_with_card(made.SerializeToString(), load(model).card, tmp_path / "own.onnx")
    found = inspection.inspect(tmp_path / "own.onnx")
    assert (found.macs, found.stored_parameters) == (None, 40)
