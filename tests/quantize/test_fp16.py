"""fp16: half the bytes, and the float32 file's answers but for the rounding of the weights."""

import json
import math
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from forming import made
from onnx import TensorProto, numpy_helper

from edgecnn.bench.figures import Ratio
from edgecnn.embed.targets import _integers
from edgecnn.insight import graph, weights
from edgecnn.inspection import inspect
from edgecnn.quantize import choose, forms, quantize
from edgecnn.quantize.forms import Parent, fp16
from edgecnn.runtime.classifier import load
from edgecnn.runtime.selftest import selftest

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 28, 28, 1), np.uint8)
SAME = Ratio("model", "against", 1, 1, ratio=1.0, ratio_ci95=(1.0, 1.0), verdict="same")


@pytest.fixture(scope="module")
def half(model: Path, data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("fp16") / "half.onnx"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choose, "compare_latency", lambda *paths, **how: SAME)
        return quantize(model, target, method="fp16", root=data_root).output


def tensors(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    return {tensor.name: tensor for tensor in model.graph.initializer}


def answers(model: bytes) -> np.ndarray:
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"image": IMAGES})[0]


def test_is_half_as_large_and_passes_its_golden_images(model: Path, half: Path) -> None:
    opened = load(half)
    assert (opened.card.form, opened.card.quantization.calibration) == ("fp16", None)
    assert selftest(opened).passed
    content = inspect(half).content
    assert content.weights < 0.55 * inspect(model).content.weights


def test_answers_as_the_float32_file_with_rounded_weights_to_the_last_bit(model: Path, half: Path) -> None:
    rounded = onnx.load(model)
    for tensor in rounded.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size >= fp16.LEAST:
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16).astype(np.float32), tensor.name))
    assert np.array_equal(answers(half.read_bytes()), answers(rounded.SerializeToString()))


def test_each_weight_is_the_nearest_float16(model: Path, half: Path) -> None:
    stored, wanted = tensors(onnx.load(half)), tensors(onnx.load(model))
    halved = [name for name, tensor in stored.items() if tensor.data_type == TensorProto.FLOAT16]
    assert halved
    for name in halved:
        exact = numpy_helper.to_array(wanted[name.removesuffix(fp16.STORED)])
        found = numpy_helper.to_array(stored[name])
        step = np.spacing(np.abs(found)).astype(np.float64)
        assert (np.abs(found.astype(np.float64) - exact) <= step / 2).all()


@pytest.mark.parametrize("level", ["ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL"])
def test_a_session_widens_the_weights_when_it_loads_the_file(half: Path, tmp_path: Path, level: str) -> None:
    settings = ort.SessionOptions()
    settings.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
    settings.enable_profiling, settings.profile_file_prefix = True, str(tmp_path / "profile")
    session = ort.InferenceSession(half.read_bytes(), settings, providers=["CPUExecutionProvider"])
    session.run(None, {"image": IMAGES[:1]})
    ran = [event["name"] for event in json.loads(Path(session.end_profiling()).read_text()) if event["cat"] == "Node"]
    assert ran
    assert not [name for name in ran if "weight_cast" in name]


def test_what_float16_cannot_hold_stays(model: Path) -> None:
    large = onnx.load(model)
    tensor = next(t for t in large.graph.initializer if t.data_type == TensorProto.FLOAT and math.prod(t.dims) > 1000)
    values = numpy_helper.to_array(tensor).copy()
    values.flat[0] = 70_000  # more than the largest float16
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    made_of = onnx.load_model_from_string(fp16.build(Parent(large.SerializeToString(), load(model).card), IMAGES[:0]))
    assert tensors(made_of)[tensor.name].data_type == TensorProto.FLOAT


def test_a_model_of_small_tensors_alone_has_no_such_form(model: Path) -> None:
    small = onnx.load(model)
    kept = [tensor for tensor in small.graph.initializer if math.prod(tensor.dims) < fp16.LEAST]
    del small.graph.initializer[:]
    small.graph.initializer.extend(kept)
    parent = Parent(small.SerializeToString(), load(model).card)
    assert "has no weights of 256 values or more" in str(fp16.unfit(parent))
    assert "fp16" not in forms.automatic(parent)


def test_what_looks_inside_sees_the_same_network(model: Path, half: Path) -> None:
    ours, theirs = inspect(half), inspect(model)
    assert [layer.operator for layer in ours.layers] == [layer.operator for layer in theirs.layers]
    assert ours.parameters == theirs.parameters
    assert "float16" in {layer.weight_type for layer in ours.layers if layer.operator == "Conv"}
    inside = [weights.weights(graph.read(path)) for path in (half, model)]
    assert [one.name for one in inside[0]] == [one.name for one in inside[1]]
    assert {one.stored for one in inside[0] if one.weights_o.size >= fp16.LEAST} == {"float16"}
    for one, other in zip(*inside, strict=True):
        assert np.allclose(one.weights_o, other.weights_o, rtol=1e-3, atol=1e-7)


def test_a_program_in_c_has_no_cast_to_do(half: Path) -> None:
    ready = _integers.ready(onnx.load(half), "half")
    made_by = {name for node in ready.graph.node for name in node.output}
    assert not [
        node for node in ready.graph.node if node.op_type == "Cast" and node.input[0] not in made_by | {"image"}
    ]
    assert TensorProto.FLOAT16 not in {tensor.data_type for tensor in ready.graph.initializer}


def test_a_graph_is_the_same_each_time(model: Path) -> None:
    assert made("fp16", model) == made("fp16", model)
