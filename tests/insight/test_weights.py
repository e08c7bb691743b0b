"""Kernels and biases as they were trained, and as integers stand for them."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from forming import made
from onnx import numpy_helper

from edgecnn.insight import graph
from edgecnn.insight.activations import activations
from edgecnn.insight.weights import weights


@pytest.mark.parametrize("name", ["lenet", "residual"])
def test_kernels_and_biases_are_those_of_the_module(foreign, name: str) -> None:
    one = foreign(name)
    trained = dict(one.module.named_parameters())
    found = weights(one.network)
    assert 2 * len(found) == len(trained)
    for layer in found:
        np.testing.assert_array_equal(layer.weights_o, trained[layer.name].detach().numpy())
        np.testing.assert_array_equal(layer.biases_o, trained[layer.name.replace("weight", "bias")].detach().numpy())
        assert (layer.folded, layer.stored, layer.scale_o) == (False, "float32", None)


def test_kernels_of_an_unfolded_run_are_those_of_its_checkpoint(once, data_root: Path) -> None:
    from edgecnn import checkpoint
    from edgecnn.export import export
    from edgecnn.recipes.read import read
    from edgecnn.train import train

    recipe = {"network.name": "lenet", "network.parameters": {}, "epochs": 1, "data.subset": 200, "precision": "fp32"}
    recipe |= {"data.validation": 50}
    run = once("plain-run", lambda path: train(read("digits-compact", recipe), path, root=data_root))
    file = once("plain.onnx", lambda path: export(run, path, root=data_root))
    trained = checkpoint.read(run).weights
    for layer in weights(graph.read(file)):
        name = layer.name.removeprefix("classifier.")
        np.testing.assert_array_equal(layer.weights_o, trained[name].numpy())


def test_folded_norms_are_said(foreign, model: Path) -> None:
    assert [layer.folded for layer in weights(graph.read(model))] == [True] * 4 + [False]
    assert [layer.folded for layer in weights(foreign("separable").network)] == [True] * 11 + [False]


def test_integers_are_brought_back_channel_by_channel(model: Path, static_model: Path) -> None:
    floats = {layer.name: layer for layer in weights(graph.read(model))}
    tensors = {one.name: numpy_helper.to_array(one) for one in onnx.load(static_model).graph.initializer}
    for layer in (one for one in weights(graph.read(static_model)) if one.stored == "int8"):
        scale = layer.scale_o.reshape(-1, 1, 1, 1)
        assert len(layer.scale_o) == len(layer.weights_o)
        np.testing.assert_allclose(layer.weights_o, tensors[f"{layer.name}_quantized"] * scale, rtol=1e-6)
        assert (np.abs(layer.weights_o - floats[layer.name].weights_o) <= scale * 0.51).all()
        np.testing.assert_allclose(layer.biases_o, floats[layer.name].biases_o, atol=1e-3)


def test_dense_integers_that_are_ranged_as_they_come_are_brought_back(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "dense.onnx"
    target.write_bytes(made("dense", model))
    floats, integers = (weights(graph.read(path))[-1] for path in (model, target))
    assert (integers.stored, integers.weights_o.shape) == ("int8", floats.weights_o.shape)
    assert np.abs(integers.weights_o - floats.weights_o).max() <= integers.scale_o.max() * 0.51
    np.testing.assert_allclose(integers.biases_o, floats.biases_o, rtol=1e-5)


def test_weights_made_by_hand_have_outputs_first(by_hand) -> None:
    kernels, dense = weights(by_hand)
    assert (kernels.weights_o.shape, kernels.biases_o) == ((6, 1, 3, 3), None)
    np.testing.assert_array_equal(dense.weights_o, by_hand.constants.array("dense").T)
    np.testing.assert_array_equal(dense.biases_o, np.float32([0.1, 0.2, 0.3, 0.4]))


def test_what_the_levels_of_a_pyramid_share_is_there_once() -> None:
    found = weights(graph.read("digit-finder/fp32"))
    assert len({layer.name for layer in found}) == len(found) == 17


def test_a_finder_is_looked_into_as_a_classifier_is() -> None:
    network = graph.read("digit-finder")
    found = activations(network, np.zeros((1, *network.input.image_shape), np.uint8))
    assert len(found) == len(network.layers) > 100
