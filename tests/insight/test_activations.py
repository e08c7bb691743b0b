"""What layers hand on, against PyTorch's forward hooks, NumPy, and the float32 parent of a quantized file."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from foreign import images
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

from edgecnn import checkpoint, data, load
from edgecnn.insight import activations as room
from edgecnn.insight import graph, noise
from edgecnn.insight.activations import Probe, activations

TOLERANCE = 1e-4
NETWORKS = ["lenet", "residual", "separable", pytest.param("resnet18", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def digits(data_root: Path) -> np.ndarray:
    return data.read_split("digits", "test", root=data_root).images_nhwc[:20]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_gives_what_a_forward_hook_sees(foreign, name: str) -> None:
    made = foreign(name)
    found = activations(made.network, made.images_nhwc)
    seen = -1
    for layer in (one for one in made.network.layers if not one.is_layout):
        mine = found[layer.name]
        places = [
            place
            for place, (_, given) in enumerate(made.given)
            if given.shape == mine.shape and np.abs(given - mine).max() <= TOLERANCE
        ]
        assert places, f"{layer.title} ({layer.name}) is what no module gives"
        assert max(places) >= seen
        seen = places[0]
    assert len(found) == len(made.network.layers) > 7


def test_layers_of_an_edgecnn_file_are_those_of_its_checkpoint(model: Path, run: Path, digits: np.ndarray) -> None:
    classifier = checkpoint.read(run).build()
    rectified: list[np.ndarray] = []
    for part in classifier.modules():
        if isinstance(part, torch.nn.ReLU):
            part.register_forward_hook(lambda part, taken, given: rectified.append(given.numpy()))
    with torch.inference_mode():
        logits_nk = classifier(torch.from_numpy(digits)).numpy()
    found = activations(graph.read(model), digits)
    mine = [found[name] for name in found if name.startswith("relu")]
    assert len(mine) == len(rectified) == 4
    for ours, theirs in zip([*mine, found["logits"]], [*rectified, logits_nk], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=TOLERANCE)


def test_values_do_not_depend_on_the_batch(model: Path, digits: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    network = graph.read(model)
    whole = activations(network, digits)
    monkeypatch.setattr(room, "BUDGET_BYTES", 1)
    values = [layer.value for layer in network.layers]
    probe = Probe(network, values)
    assert probe.batch == 1
    for name, array in probe.joined(digits[:3]).items():
        np.testing.assert_allclose(array, whole[name][:3], atol=TOLERANCE)


def test_a_batch_stays_within_the_budget_at_512_channels(foreign) -> None:
    network = foreign("lenet").network
    probe = Probe(network, [layer.value for layer in network.layers])
    held = sum(array.nbytes for array in probe.of(images(3, probe.batch)).values())
    assert held <= room.BUDGET_BYTES


def test_a_file_of_a_fixed_batch_answers_any_number(by_hand) -> None:
    many = np.random.default_rng(0).integers(0, 256, (3, 12, 10, 1), np.uint8)
    together = activations(by_hand, many)
    assert {name: array.shape[0] for name, array in together.items()} == dict.fromkeys(together, 3)
    np.testing.assert_array_equal(together["scores"][2], activations(by_hand, many[2:])["scores"][0])


def test_maps_made_by_hand_are_those_of_numpy(by_hand) -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, 12, 10, 1), np.uint8)
    found = activations(by_hand, image)
    kernels = by_hand.constants.array("kernels")
    windows = np.lib.stride_tricks.sliding_window_view(image[0, ..., 0] / 255 - 0.5, (3, 3))[::2, ::2]
    maps = np.einsum("hwij,oij->ohw", windows, kernels[:, 0])
    np.testing.assert_allclose(found["active"][0], np.where(maps > 0, maps, 0.1 * maps), atol=1e-6)
    np.testing.assert_allclose(found["pooled"][0, :, 0, 0], found["active"][0].mean(axis=(1, 2)), atol=1e-6)


def test_integers_are_brought_back_beside_the_floats(model: Path, static_model: Path, digits: np.ndarray) -> None:
    parent, quantized = graph.read(model), graph.read(static_model)
    ours, theirs = activations(parent, digits), activations(quantized, digits)
    for layer in (one for one in quantized.layers if one.value.scaling is not None and one.name in ours):
        steps = np.abs(theirs[layer.name] - ours[layer.name]) / layer.value.scaling.scale
        assert theirs[layer.name].dtype == np.float32
        assert np.median(steps) < 4, layer.title
    np.testing.assert_array_equal(theirs["probabilities"], load(static_model).probabilities(digits))  # the same kernels


class _Reader(CalibrationDataReader):
    def __init__(self, network, images_nhwc: np.ndarray) -> None:
        self._left = iter([{network.input.name: network.input.of_pixels(images_nhwc)}])

    def get_next(self):
        return next(self._left, None)


@pytest.mark.parametrize("form", ["QLinearConv", "ConvInteger"])
def test_other_forms_of_integers_are_brought_back(foreign, form: str, tmp_path: Path) -> None:
    network, target = foreign("lenet").network, tmp_path / "quantized.onnx"
    shown = images(3, 8)
    if form == "ConvInteger":
        quantize_dynamic(network.path, target, weight_type=QuantType.QUInt8)
    else:
        quantize_static(
            network.path, target, _Reader(network, shown), quant_format=QuantFormat.QOperator, per_channel=False,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, reduce_range=True,
        )  # fmt: skip  # seven bits: a file without a card runs as it is, and eight saturate on AVX2
    quantized = graph.read(target)
    assert form in {node.op_type for node in onnx.load(target).graph.node}
    rows = [row for row in noise.measure(network, quantized, shown) if row.title.startswith(("conv", "dense"))]
    assert len(rows) == 5
    assert min(row.snr_db for row in rows) > 20
