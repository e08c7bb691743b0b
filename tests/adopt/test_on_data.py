"""An adopted file on a data set: what its card says, what the next commands make of it, what pixels are proposed."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import theirs
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.tools.symbolic_shape_infer import SymbolicShapeInference
from sklearn.neural_network import MLPClassifier
from theirs import LABELS

import edgecnn
from edgecnn import adopt, data
from edgecnn.adopt import Said, propose
from edgecnn.errors import DataError
from edgecnn.verify.whole import whole_selftest


@pytest.fixture(scope="session")
def learned(once, data_root: Path) -> Path:
    """A network of scikit-learn's, which learned from pixels of -1..1, written as others write it."""

    def build(path: Path) -> None:
        train = data.read_split("digits", "train", root=data_root)
        network = MLPClassifier((24,), max_iter=12, random_state=0, early_stopping=False, alpha=1e-3, batch_size=50)
        with pytest.warns(UserWarning, match="Maximum iterations"):
            network.fit(train.images_nhwc.reshape(len(train), -1) / 127.5 - 1, train.labels_n)
        parts = [*network.coefs_, *network.intercepts_]
        names = ["first", "second", "first.bias", "second.bias"]
        constants = [numpy_helper.from_array(p.astype(np.float32), n) for p, n in zip(parts, names, strict=True)]
        nodes = [
            helper.make_node("Flatten", ["pixels"], ["flat"]),
            helper.make_node("Gemm", ["flat", "first", "first.bias"], ["hidden"]),
            helper.make_node("Relu", ["hidden"], ["relu"]),
            helper.make_node("Gemm", ["relu", "second", "second.bias"], ["scores"]),
        ]
        inputs = [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 28, 28, 1])]
        outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 10])]
        theirs.written(path, nodes, inputs, outputs, constants)

    return once("learned.onnx", build)


@pytest.fixture(scope="session")
def adopted(once, learned: Path, data_root: Path) -> Path:
    """That file adopted, with the data set that it is for."""
    options: dict[str, Any] = {
        "labels": LABELS,
        "scale": 1 / 127.5,
        "mean": [1],
        "dataset": "digits",
        "root": data_root,
    }
    return once("adopted.onnx", lambda path: adopt(learned, path, **options))


@pytest.fixture(scope="session")
def undated(once, learned: Path) -> Path:
    """That file adopted without a data set."""
    return once("undated.onnx", lambda path: adopt(learned, path, labels=LABELS, scale=1 / 127.5, mean=[1]))


def test_the_card_has_what_was_measured(adopted: Path, data_root: Path) -> None:
    card = edgecnn.read_card(adopted)
    assert (card.dataset.name, card.dataset.train, card.dataset.validation) == ("digits", 1150, 288)
    score = card.score("test")
    assert score is not None
    test = data.read_split("digits", "test", root=data_root)
    found = edgecnn.load(adopted).logits(test.images_nhwc).argmax(axis=1)
    assert (score.images, score.value) == (359, float((found == test.labels_n).mean()))
    assert score.value > 0.85
    assert card.parity is not None
    assert (card.parity.source, card.parity.images) == ("digits test split", 359)
    assert card.appearance is not None
    assert len(card.golden.images_nhwc) == 20


def test_the_commands_that_follow_take_it(adopted: Path, tmp_path: Path, data_root: Path) -> None:
    assert edgecnn.verify(adopted, adopted, root=data_root, max_drop_pp=5).passed
    quantized = edgecnn.quantize(adopted, tmp_path / "int8.onnx", method="static", root=data_root, seconds=0.05)
    assert quantized.output_form == "int8-static"
    assert edgecnn.verify(adopted, quantized.output, root=data_root, max_drop_pp=5).passed
    assert edgecnn.read_card(quantized.output).adopted == edgecnn.read_card(adopted).adopted
    assert "selftest.py" in edgecnn.embed(quantized.output, "python", tmp_path / "app").files
    assert whole_selftest(adopted, "digits", data_root).passed


def test_a_graph_that_the_quantizer_cannot_infer_symbolically_is_quantized(
    learned: Path, tmp_path: Path, data_root: Path
) -> None:
    """As PaddlePaddle writes a reshape: sizes are joined along their last axis, where ONNX Runtime's tool asserts 0."""
    model = onnx.load(learned)
    parts = {"start": [0], "end": [1], "wide": [-1]}
    model.graph.initializer.extend(numpy_helper.from_array(np.array(part, np.int64), n) for n, part in parts.items())
    reshaped = [
        helper.make_node("Shape", ["pixels"], ["sizes"]),
        helper.make_node("Slice", ["sizes", "start", "end"], ["images"]),
        helper.make_node("Concat", ["images", "wide"], ["size"], axis=-1),
        helper.make_node("Reshape", ["pixels", "size"], ["flat"]),
    ]
    nodes = [*reshaped, *model.graph.node[1:]]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, tmp_path / "theirs.onnx")
    with pytest.raises(AssertionError):
        SymbolicShapeInference.infer_shapes(model, auto_merge=True)
    options: dict[str, Any] = {"dataset": "digits", "root": data_root}
    done = adopt(tmp_path / "theirs.onnx", tmp_path / "ours.onnx", labels=LABELS, scale=1 / 127.5, mean=[1], **options)
    found = edgecnn.quantize(done.path, tmp_path / "int8.onnx", method="static", root=data_root, seconds=0.05)
    assert found.output_form == "int8-static"


def test_without_a_data_set_one_is_asked_for(undated: Path, tmp_path: Path, data_root: Path) -> None:
    for call in (
        lambda: edgecnn.verify(undated, undated),
        lambda: edgecnn.quantize(undated, tmp_path / "int8.onnx"),
    ):
        with pytest.raises(DataError, match="its card names no data set, as none was said when the file was made"):
            call()
    found = edgecnn.verify(undated, undated, dataset="digits", root=data_root, max_drop_pp=5)
    assert (found.dataset, found.passed) == ("digits", True)
    quantized = edgecnn.quantize(
        undated, tmp_path / "int8.onnx", method="static", dataset="digits", root=data_root, seconds=0.05
    )
    assert quantized.validation_images == 288


def test_what_the_pixels_are_is_proposed_where_one_way_is_surely_the_best(learned: Path, data_root: Path) -> None:
    found = propose(learned, Said(labels=LABELS), dataset="digits", root=data_root)
    assert found is not None
    by_name = {tried.name: tried.accuracy for tried in found.tried}
    assert set(by_name) == {
        "0..1", "-1..1", "0..255", "1..0, inverted", "1..-1, inverted", "255..0, inverted", "MNIST's mean and deviation"
    }  # fmt: skip
    assert by_name["-1..1"] > 0.85
    assert by_name["1..-1, inverted"] < 0.3
    assert found.best == found.tried[0]
    assert (found.best.name, found.best.scale, found.best.mean) == ("-1..1", 1 / 127.5, (1.0,))


def test_ways_that_are_as_good_are_left_to_the_user(tmp_path: Path, data_root: Path) -> None:
    """Logits that are linear in the pixels rank alike with any scale; without a bias exactly so."""
    train = data.read_split("digits", "train", root=data_root)
    means = np.stack([train.images_nhwc[train.labels_n == label].mean(axis=0).ravel() for label in range(10)])
    centered = means / np.linalg.norm(means, axis=1, keepdims=True)
    path = theirs.linear(tmp_path / "linear.onnx", centered, np.zeros(10))
    found = propose(path, Said(labels=LABELS), dataset="digits", root=data_root)
    assert found is not None
    assert found.best is None
    assert "is not surely better than" in found.reason


def test_labels_in_another_order_are_noticed(learned: Path, data_root: Path) -> None:
    found = propose(learned, Said(labels=LABELS[5:] + LABELS[:5]), dataset="digits", root=data_root)
    assert found is not None
    assert found.best is None
    assert "labels are in the order of the answers" in found.reason


def test_nothing_is_proposed_where_the_scale_is_known(learned: Path, data_root: Path) -> None:
    assert propose(learned, Said(labels=LABELS, scale=1.0), dataset="digits", root=data_root) is None


def test_classes_that_the_model_lacks_are_told(learned: Path, tmp_path: Path, data_root: Path) -> None:
    labels = ("zero", *LABELS[1:])
    with pytest.raises(DataError, match="has classes that the model lacks: 0"):
        adopt(learned, tmp_path / "m.onnx", labels=labels, scale=1 / 255, dataset="digits", root=data_root)
