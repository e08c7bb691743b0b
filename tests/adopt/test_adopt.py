"""Files of others become edgecnn's: the same answers, in edgecnn's contract; and what is no classifier is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import theirs
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from theirs import LABELS, classifier

import edgecnn
from edgecnn import adopt, card, zoo
from edgecnn.errors import EdgecnnError, ModelError
from edgecnn.runtime.selftest import selftest

PICTURES = np.random.default_rng(5).integers(0, 256, (9, 28, 28, 1), np.uint8)
COLORS = np.random.default_rng(6).integers(0, 256, (9, 28, 28, 3), np.uint8)


def original(path: Path, fed: NDArray[Any]) -> NDArray[np.float32]:
    """Return what ONNX Runtime alone gives for arrays, one at a time."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    return np.concatenate([session.run(None, {taken.name: one[None]})[0] for one in fed])


def softmax(logits_nk: NDArray[np.float32]) -> NDArray[np.float64]:
    exponents = np.exp(logits_nk.astype(np.float64) - logits_nk.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("batch", ["batch", 1], ids=["any batch", "batch of 1"])
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_it_answers_as_the_original_does(tmp_path: Path, layout: str, batch: int | str) -> None:
    """The arrays that the original gets are made here by the formula as users write it."""
    path = classifier(tmp_path / "theirs.onnx", channels=3, layout=layout, batch=batch)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    done = adopt(path, tmp_path / "ours.onnx", labels=LABELS, scale=1 / 255, mean=mean, std=std)
    fed_nhwc = ((COLORS / 255 - mean) / std).astype(np.float32)
    expected_nk = original(path, fed_nhwc.transpose(0, 3, 1, 2) if layout == "nchw" else fed_nhwc)
    ours = edgecnn.load(tmp_path / "ours.onnx")
    assert np.abs(ours.logits(COLORS) - expected_nk).max() < 1e-4
    assert np.abs(ours.probabilities(COLORS) - softmax(expected_nk)).max() < 1e-6
    assert done.any_batch
    assert done.known["answers"] == "logits: ends in Gemm"
    assert done.agreement == 1


@pytest.mark.parametrize(("end", "kind"), [("Softmax", "probabilities"), ("LogSoftmax", "logits")])
def test_what_it_ends_in_tells_what_it_gives(tmp_path: Path, end: str, kind: str) -> None:
    path = classifier(tmp_path / "theirs.onnx", end=end)
    done = adopt(path, tmp_path / "ours.onnx", labels=LABELS, scale=1 / 255)
    expected_nk = original(path, (PICTURES / np.float32(255)).transpose(0, 3, 1, 2))
    expected_nk = expected_nk if end == "Softmax" else np.exp(expected_nk)
    assert np.abs(edgecnn.load(done.path).probabilities(PICTURES) - expected_nk).max() < 1e-6
    assert done.output == kind


def test_an_old_file_is_brought_up(tmp_path: Path) -> None:
    """Opset 8, IR 3 with its weights among the inputs, pixels 0..255, a batch of 1 in a reshape, log-softmax."""
    path = classifier(
        tmp_path / "mnist.onnx", batch=1, opset=8, ir_version=3, end="LogSoftmax", weights_are_inputs=True, baked=True
    )
    done = adopt(path, tmp_path / "ours.onnx", labels=LABELS, scale=1)
    assert done.any_batch
    assert (onnx.load(done.path).opset_import[0].version, onnx.load(done.path).ir_version) == (21, 10)
    expected_nk = np.exp(original(path, PICTURES.astype(np.float32).transpose(0, 3, 1, 2)))
    assert np.abs(edgecnn.load(done.path).probabilities(PICTURES) - expected_nk).max() < 1e-5
    adopted = card.ModelCard.read_beside(done.path).adopted
    assert adopted is not None
    assert (adopted.opset, adopted.ir_version) == (8, 3)


@pytest.mark.parametrize("kind", ["float16", "double", "uint8"])
def test_other_types_of_pixels_are_fed(tmp_path: Path, kind: str) -> None:
    path = classifier(tmp_path / "theirs.onnx", kind=kind)
    done = adopt(path, tmp_path / "ours.onnx", labels=LABELS, **({} if kind == "uint8" else {"scale": 1.0}))
    expected_nk = original(path, PICTURES.astype(kind).transpose(0, 3, 1, 2))
    assert np.abs(edgecnn.load(done.path).logits(PICTURES) - expected_nk).max() < 1e-3


def test_blue_comes_first_where_that_is_said(tmp_path: Path) -> None:
    path = classifier(tmp_path / "theirs.onnx", channels=3)
    done = adopt(path, tmp_path / "ours.onnx", labels=LABELS, scale=1, mean=[1, 2, 3], bgr=True)
    fed_nhwc = COLORS[..., ::-1].astype(np.float32) - np.array([1, 2, 3], np.float32)
    assert np.abs(edgecnn.load(done.path).logits(COLORS) - original(path, fed_nhwc.transpose(0, 3, 1, 2))).max() < 1e-2
    assert done.preprocessing == "BGR, pixels x 1, mean 1 2 3, std 1"


def test_a_file_with_our_own_names_is_adopted(tmp_path: Path) -> None:
    path = classifier(tmp_path / "theirs.onnx", input_name="image", output_name="logits", end="Softmax")
    done = adopt(path, tmp_path / "ours.onnx", labels=LABELS, scale=1 / 255)
    expected_nk = original(path, (PICTURES / np.float32(255)).transpose(0, 3, 1, 2))
    assert np.abs(edgecnn.load(done.path).probabilities(PICTURES) - expected_nk).max() < 1e-6


def test_data_beside_the_file_are_gathered_into_it(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    path = classifier(tmp_path / "there" / "theirs.onnx")
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="theirs.data", size_threshold=0)
    done = adopt(path, tmp_path / "ours.onnx", labels=LABELS, scale=1 / 255)
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "ours.onnx").write_bytes(done.path.read_bytes())
    assert selftest(edgecnn.load(alone / "ours.onnx")).passed
    (tmp_path / "there" / "theirs.data").unlink()
    with pytest.raises(ModelError, match=r"theirs\.data"):
        adopt(path, tmp_path / "again.onnx", labels=LABELS, scale=1 / 255)


def test_rows_of_pixels_are_pictures_where_their_size_is_said(tmp_path: Path) -> None:
    constants = [numpy_helper.from_array(np.random.default_rng(0).normal(size=(784, 10)).astype(np.float32), "w")]
    inputs = [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["n", 784])]
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 10])]
    nodes = [helper.make_node("MatMul", ["rows", "w"], ["scores"])]
    path = theirs.written(tmp_path / "rows.onnx", nodes, inputs, outputs, constants)
    with pytest.raises(EdgecnnError, match="--resize HEIGHTxWIDTH"):
        adopt(path, tmp_path / "ours.onnx", labels=LABELS, scale=1 / 255)
    done = adopt(path, tmp_path / "ours.onnx", labels=LABELS, scale=1 / 255, size=(28, 28))
    expected_nk = original(path, PICTURES.reshape(9, 784) / np.float32(255))
    assert np.abs(edgecnn.load(done.path).logits(PICTURES) - expected_nk).max() < 1e-4


def mixing(path: Path, batch: int) -> Path:
    """Write a network whose sum runs over the batch as well: as soon as there are two images they are mixed."""
    classifier(path, batch=batch)
    model = onnx.load(path)
    model.graph.node[-1].output[0] = "dense"
    model.graph.initializer.append(numpy_helper.from_array(np.array([0], np.int64), "axes"))
    model.graph.node.append(helper.make_node("ReduceSum", ["dense", "axes"], ["sum"], keepdims=1))
    model.graph.node.append(helper.make_node("Add", ["dense", "sum"], ["mixed"]))
    model.graph.node.append(helper.make_node("Gemm", ["mixed", "eye"], ["output"]))
    model.graph.initializer.append(numpy_helper.from_array(np.eye(10, dtype=np.float32), "eye"))
    onnx.save(model, path)
    return path


def test_a_graph_that_takes_one_image_stays_one_that_does(tmp_path: Path) -> None:
    path = mixing(tmp_path / "theirs.onnx", batch=1)
    done = adopt(path, tmp_path / "ours.onnx", labels=LABELS, scale=1 / 255)
    assert not done.any_batch
    assert [remark for remark in done.remarks if "one image at a time" in remark]
    expected_nk = original(path, (PICTURES / np.float32(255)).transpose(0, 3, 1, 2))
    assert np.abs(edgecnn.load(done.path).logits(PICTURES) - expected_nk).max() < 1e-4


def test_a_batch_of_four_is_freed(tmp_path: Path) -> None:
    path = classifier(tmp_path / "theirs.onnx", batch=4, baked=True)
    done = adopt(path, tmp_path / "ours.onnx", labels=LABELS, scale=1 / 255)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    fed = (PICTURES[:4] / np.float32(255)).transpose(0, 3, 1, 2)
    assert np.abs(edgecnn.load(done.path).logits(PICTURES[:4]) - session.run(None, {"input": fed})[0]).max() < 1e-4
    assert done.any_batch


def test_a_graph_that_mixes_four_images_is_refused(tmp_path: Path) -> None:
    path = mixing(tmp_path / "theirs.onnx", batch=4)
    with pytest.raises(ModelError, match="takes 4 images at a time and no other number"):
        adopt(path, tmp_path / "ours.onnx", labels=LABELS, scale=1 / 255)


def test_weights_among_the_nodes_become_weights(tmp_path: Path) -> None:
    """As PaddlePaddle writes them; else they were not counted, nor quantized."""
    model = onnx.load(classifier(tmp_path / "theirs.onnx"))
    constants = [helper.make_node("Constant", [], [one.name], value=one) for one in model.graph.initializer]
    nodes = [*constants, *model.graph.node]
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(nodes)
    onnx.save(model, tmp_path / "theirs.onnx")
    done = adopt(tmp_path / "theirs.onnx", tmp_path / "ours.onnx", labels=LABELS, scale=1 / 255)
    assert edgecnn.read_card(done.path).parameters == sum(part.size for part in theirs.weights(1).values())


def test_the_card_says_where_it_comes_from(tmp_path: Path) -> None:
    path = classifier(tmp_path / "theirs.onnx")
    done = adopt(path, tmp_path / "ours.onnx", labels=LABELS, scale=1 / 255)
    found = edgecnn.read_card(done.path)
    assert found.name == zoo.title(done.path)
    assert (found.form, found.network, found.recipe["name"]) == ("fp32", "adopted", "adopted")
    assert found.adopted is not None
    assert found.adopted.sha256 == edgecnn.files.sha256(path)
    assert (found.adopted.file, found.adopted.producer) == ("theirs.onnx", "somebody")
    assert found.adopted.input == "input: float (N, 1, 28, 28)"
    assert not found.dataset.is_known
    assert found.parity is not None
    assert found.parity.source == "noise and edge cases"
    assert found.parameters == sum(part.size for part in theirs.weights(1).values())
    assert str(tmp_path) not in done.path.read_bytes().decode("latin-1")


def test_what_is_not_known_is_asked_for_by_name(tmp_path: Path) -> None:
    path = classifier(tmp_path / "theirs.onnx", end="Softmax")
    with pytest.raises(EdgecnnError) as raised:
        adopt(path, tmp_path / "ours.onnx")
    said = str(raised.value)
    assert "--scale" in said
    assert "--labels: the names of 10 classes" in said
    assert "known: answers" not in said
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"labels": LABELS[:9]}, "answers 10 classes, and there are 9 labels"),
        ({"labels": ("0",) * 10}, "labels that are empty or there twice"),
        ({"layout": "nhwc"}, "which is nchw; --layout said nhwc"),
        ({"size": (32, 32)}, "--resize said 32x32"),
        ({"std": [0.5, 0.5]}, "--std has 2 numbers; expected 1"),
        ({"std": [0]}, "deviations above 0"),
        ({"scale": float("nan")}, "a scale other than 0"),
        ({"answers": "probabilities"}, "Say --answers logits"),
        ({"answers": "logits", "answered_by": "other"}, "has no output other; found output: float"),
    ],
)
def test_what_does_not_fit_the_file_is_told(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    path = classifier(tmp_path / "theirs.onnx")
    with pytest.raises(EdgecnnError, match=said):
        adopt(path, tmp_path / "ours.onnx", **({"labels": LABELS, "scale": 1 / 255} | options))
    assert list(tmp_path.iterdir()) == [path]


def _two_inputs(path: Path) -> Path:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, 8, 8]) for name in ("left", "right")]
    outputs = [helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["n", 3, 8, 8])]
    return theirs.written(path, [helper.make_node("Add", ["left", "right"], ["sum"])], values, outputs, [])


def _detector(path: Path) -> Path:
    weight = numpy_helper.from_array(np.zeros((4, 3, 3, 3), np.float32), "weight")
    nodes = [
        helper.make_node("Conv", ["image", "weight"], ["boxes"]),
        helper.make_node("ReduceMax", ["boxes"], ["scores"], axes=[1], keepdims=0),
    ]
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 32, 32])]
    outputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["n", 900, 4]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 900]),
    ]
    graph = helper.make_graph(nodes, "detector", inputs, outputs, [weight])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def _map_of_classes(path: Path) -> Path:
    weight = numpy_helper.from_array(np.ones((5, 3, 1, 1), np.float32), "weight")
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 16, 16])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 5, 16, 16])]
    return theirs.written(path, [helper.make_node("Conv", ["x", "weight"], ["y"])], inputs, outputs, [weight])


def _sequence(path: Path) -> Path:
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 16, 16])]
    outputs = [helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, None)]
    return theirs.written(path, [helper.make_node("SequenceConstruct", ["x"], ["y"])], inputs, outputs, [])


def _text(path: Path) -> Path:
    table = numpy_helper.from_array(np.ones((100, 8), np.float32), "table")
    inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "sequence"])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", "sequence", 8])]
    return theirs.written(path, [helper.make_node("Gather", ["table", "input_ids"], ["y"])], inputs, outputs, [table])


def _broken_weights(path: Path) -> Path:
    model = onnx.load(classifier(path))
    bias = next(one for one in model.graph.initializer if one.name == "dense.bias")
    bias.CopyFrom(numpy_helper.from_array(np.full(10, np.nan, np.float32), "dense.bias"))
    onnx.save(model, path)
    return path


def _one_number(path: Path) -> Path:
    return classifier(path, classes=1)


def _yes_or_no(path: Path) -> Path:
    return classifier(path, end="Sigmoid")


def _garbage(path: Path) -> Path:
    path.write_bytes(b"\x0a\x03abcdef")
    return path


def _pointer(path: Path) -> Path:
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    return path


def _ultralytics_detector(path: Path) -> Path:
    return classifier(path, metadata={"author": "Ultralytics", "task": "detect"})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_two_inputs, "takes 2 inputs"),
        (_detector, "As a detector's it cannot be adopted"),
        (_map_of_classes, "of shape .14, 5, 16, 16.; a classifier answers .N, classes."),
        (_sequence, "answers sequence"),
        (_text, "takes input_ids: int64 .n, sequence.; pictures are expected"),
        (_broken_weights, "NaN or infinite"),
        (_one_number, "answers one number for a picture"),
        (_yes_or_no, "ends in Sigmoid"),
        (_garbage, "not what it says"),
        (_pointer, "a pointer of Git LFS"),
        (_ultralytics_detector, "Ultralytics' task detect"),
        (lambda path: path, "no such file"),
    ],
    ids=lambda value: getattr(value, "__name__", "").strip("_<>"),
)
def test_what_is_no_classifier_is_refused_with_what_was_found(tmp_path: Path, make: Any, said: str) -> None:
    path = make(tmp_path / "theirs.onnx")
    with pytest.raises(ModelError, match=said):
        adopt(path, tmp_path / "ours.onnx", labels=LABELS, scale=1 / 255)
    assert not (tmp_path / "ours.onnx").exists()


def test_a_file_of_our_own_is_not_adopted(tmp_path: Path, model: Path) -> None:
    with pytest.raises(EdgecnnError, match="has a card of edgecnn, so there is nothing to adopt"):
        adopt(model, tmp_path / "ours.onnx")


def test_the_original_is_not_overwritten(tmp_path: Path) -> None:
    path = classifier(tmp_path / "theirs.onnx")
    with pytest.raises(EdgecnnError, match="expected another file than the original"):
        adopt(path, path, labels=LABELS, scale=1 / 255)
