"""A network trained with rounding, and the int8 file that it becomes, are one and the same."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from conftest import SMALL
from forming import made
from onnx import numpy_helper
from torch import nn

from edgecnn import checkpoint, data, networks, qat
from edgecnn.card import TRAINED_FORM
from edgecnn.contender import open_classifier
from edgecnn.errors import Interrupted, ParityError, RecipeError
from edgecnn.export import export
from edgecnn.metadata import read_card
from edgecnn.qat.rounding import Activations, rounded_weights
from edgecnn.recipes.read import read
from edgecnn.recipes.schema import Recipe
from edgecnn.saturation import prove
from edgecnn.tasks._classification.export import check_rounded_parity, deployed_graph
from edgecnn.train import train

ROUNDED = SMALL | {"quantization": "int8", "epochs": 2, "optimizer.learning_rate": 1e-4}
KERNELS = ("QLinearConv", "QLinearAdd", "QGemm", "QLinearMatMul")


def recipe(start: Path, **changes: object) -> Recipe:
    return read("digits-compact", ROUNDED | {"start_from": str(start), **changes})


@pytest.fixture(scope="module")
def rounded_run(once, run: Path, data_root: Path) -> Path:
    return once("rounded-run", lambda path: train(recipe(run), path, root=data_root))


@pytest.fixture(scope="module")
def rounded_model(once, rounded_run: Path, data_root: Path) -> Path:
    return once("rounded.onnx", lambda path: export(rounded_run, path, root=data_root))


@pytest.fixture(scope="module")
def images_nhwc(data_root: Path) -> np.ndarray:
    return data.read_split("digits", "test", root=data_root).images_nhwc


def integer_kernels(graph: bytes, folder: Path) -> list[str]:
    """What a session really runs of a model."""
    settings = ort.SessionOptions()
    settings.optimized_model_filepath = str(folder / "optimized.onnx")
    settings.log_severity_level = 3
    ort.InferenceSession(graph, settings, providers=["CPUExecutionProvider"])
    return [node.op_type for node in onnx.load(folder / "optimized.onnx").graph.node]


def test_the_file_answers_as_the_network_that_was_trained(
    rounded_run: Path, rounded_model: Path, images_nhwc: np.ndarray
) -> None:
    module, file = (open_classifier(one).logits(images_nhwc) for one in (rounded_run, rounded_model))
    assert np.sqrt(np.square(module - file).mean()) < 0.02 * module.std()
    assert (module.argmax(1) == file.argmax(1)).mean() >= 0.99


def test_without_the_runtimes_own_kernels_only_ties_are_rounded_otherwise(
    rounded_run: Path, rounded_model: Path, images_nhwc: np.ndarray
) -> None:
    settings = ort.SessionOptions()
    settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(rounded_model, settings, providers=["CPUExecutionProvider"])
    file = session.run(["logits"], {"image": images_nhwc})[0]
    module = open_classifier(rounded_run).logits(images_nhwc)
    assert np.median(np.abs(module - file).max(axis=1)) < 0.01 * module.std()


def test_it_is_int8_and_proven_safe(rounded_model: Path, tmp_path: Path) -> None:
    card = read_card(rounded_model)
    assert card.form == TRAINED_FORM
    assert card.quantization is not None
    assert card.quantization.overflow is not None
    assert card.quantization.overflow.safe
    assert prove(rounded_model).layers == 4
    assert prove(rounded_model).safe
    ran = integer_kernels(rounded_model.read_bytes(), tmp_path)
    assert ran.count("QLinearConv") == 4
    assert not {"Conv", "Relu"} & set(ran)


def test_parameters_are_counted_without_ranges(rounded_model: Path, model: Path) -> None:
    before, after = read_card(model).parameters, read_card(rounded_model).parameters
    assert before - 2 * (8 + 16) <= after < before  # a norm's gain and offset became one bias


def test_before_it_learns_it_is_the_static_form(run: Path, model: Path, data_root: Path) -> None:
    found = checkpoint.read(run)
    images = data.read_split("digits", "train", root=data_root).images_nhwc[:64]
    classifier = found.build()
    checkpoint.round_as_int8(classifier, found.golden_images_nhwc)
    qat.calibrate(classifier.network, [classifier.normalized(torch.from_numpy(images))])
    static = onnx.load_model_from_string(made("static", model, images))
    weights = [node.args[1].args[0].target for node in classifier.network.graph.nodes if "conv2d" in str(node.target)]
    ours = {tuple(ints.shape): ints for ints in map(_integers, map(classifier.network.get_parameter, weights))}
    theirs = [numpy_helper.to_array(tensor) for tensor in static.graph.initializer if tensor.data_type == 3]
    theirs = [ints for ints in theirs if ints.ndim == 4]
    assert len(theirs) == len(ours) == 4
    for ints in theirs:
        assert np.abs(ours[ints.shape].astype(int) - ints).max() <= 1  # folded in another order: ties
        assert (ours[ints.shape] == ints).mean() > 0.99
    ranges = [module for module in classifier.network.modules() if isinstance(module, Activations)]
    scales = [float(module.grid()[0]) for module in ranges[:-1]]  # the last is that of the pool, which has its own here
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in static.graph.initializer}
    quantizers = [node for node in static.graph.node if node.op_type == "QuantizeLinear"]
    known = {float(tensors[node.input[1]]) for node in quantizers}
    assert all(min(abs(scale / other - 1) for other in known) < 0.05 for scale in scales)


def _integers(weights: torch.Tensor) -> np.ndarray:
    scale_c = weights.detach().abs().flatten(1).amax(1) / 64
    return (rounded_weights(weights).detach() / scale_c.reshape(-1, 1, 1, 1)).round().numpy().astype(np.int8)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in networks.names("classification") if name not in ("timm",)])
def test_every_network_can_be_trained_so(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    parameters = {"model": "mobilenet_v2"} if name == "torchvision" else {}
    side = 64 if name in ("torchvision", "efficientnet-lite0") else 32
    network = networks.build(name, parameters, size=(side, side), channels=3, classes=10).eval()
    pixels = torch.rand(16, 3, side, side)
    wanted = network(pixels)
    rounded = qat.prepared(network, pixels)
    qat.calibrate(rounded, [pixels])
    found = rounded.eval()(pixels)
    assert float((found - wanted).detach().square().mean().sqrt()) < 0.35 * float(wanted.detach().std()) + 1e-6
    rounded.train()(pixels[:3]).sum().backward()
    learning = [parameter for parameter in rounded.parameters() if parameter.requires_grad]
    assert learning
    assert all(parameter.grad is not None for parameter in learning)


def test_pixels_that_are_padded_first_are_rounded_all_the_same() -> None:
    network = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(196, 3))
    rounded = qat.prepared(network, torch.rand(2, 1, 8, 8))
    assert [type(module) for module in rounded.children()].count(Activations) == 2  # the pixels, and the activation


def test_dropout_works_in_training_alone() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5), nn.Linear(4 * 36, 3))
    pixels = torch.rand(4, 1, 8, 8)
    rounded = qat.prepared(network, pixels)
    qat.calibrate(rounded, [pixels])
    assert torch.equal(rounded.eval()(pixels), rounded(pixels))
    rounded.train()
    assert not torch.equal(rounded(pixels), rounded(pixels))


def test_a_training_that_is_stopped_and_resumed_ends_in_the_same_weights(
    run: Path, rounded_run: Path, data_root: Path, tmp_path: Path
) -> None:
    wanted, batches = recipe(run), []

    def stop() -> bool:
        batches.append(1)
        return len(batches) == 5

    with pytest.raises(Interrupted):
        train(wanted, tmp_path / "run", root=data_root, should_stop=stop)
    train(wanted, tmp_path / "run", root=data_root, resume=True)
    one, other = checkpoint.read(rounded_run).weights, checkpoint.read(tmp_path / "run").weights
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_it_learns_to_answer_in_spite_of_the_rounding(run: Path, rounded_run: Path) -> None:
    before, after = (checkpoint.read(one).figures["loss"] for one in (run, rounded_run))
    assert after < before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"start_from": None}, r"quantization: start_from=RUN is missing"),
        ({"precision": "bf16"}, r"quantization: precision is bf16, where rounding takes fp32"),
        ({"unfreeze_at": [0.5]}, r"unfreeze_at belongs to the training before; set it to \[\]"),
        ({"progressive.start": 0.5}, r"progressive belongs to the training before; set progressive.start to 1"),
        ({"quantization": "int4"}, r"quantization is 'int4'; allowed: int8"),
    ],
    ids=["no start", "bfloat16", "unfreezing", "progressive", "int4"],
)
def test_what_does_not_go_with_rounding_is_said(changes: dict, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        read("digits-compact", ROUNDED | {"start_from": "runs/digits"} | changes)


def test_a_run_with_rounding_is_no_start(rounded_run: Path, data_root: Path, tmp_path: Path) -> None:
    for changes in ({}, {"quantization": None}):
        with pytest.raises(RecipeError, match=r"was trained with quantization, and has no norms left .* --resume"):
            train(recipe(rounded_run, **changes), tmp_path / "run", root=data_root)
    assert not (tmp_path / "run").exists()


def test_detectors_are_not_trained_so(run: Path, tmp_path: Path) -> None:
    wanted = read("digit-finder", {"quantization": "int8", "start_from": str(run)})
    with pytest.raises(RecipeError, match=r"quantization is for classifiers"):
        train(wanted, tmp_path / "run", root=tmp_path)


def test_a_file_that_answers_otherwise_is_refused(rounded_run: Path, images_nhwc: np.ndarray) -> None:
    logits_nk = open_classifier(rounded_run).logits(images_nhwc)
    with pytest.raises(ParityError, match=r"does not answer as the network that was trained with rounding"):
        check_rounded_parity(logits_nk, np.roll(logits_nk, 1, axis=0))


def test_the_same_run_gives_the_same_file(rounded_run: Path) -> None:
    found = checkpoint.read(rounded_run)
    assert deployed_graph(found) == deployed_graph(found)
