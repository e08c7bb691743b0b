"""The share of the time by layer: all of it, with the layer that it belongs to, and nothing left behind."""

import tempfile
from pathlib import Path

import pytest
from foreign import images

from edgecnn.insight import graph, times


@pytest.mark.parametrize("name", ["residual", "separable"])
def test_shares_are_all_of_the_time(foreign, name: str) -> None:
    network = foreign(name).network
    found = times.measure(network, images(3)[0], threads=1, runs=20)
    assert sum(layer.share for layer in found.layers) + found.other_share == pytest.approx(1, abs=1e-9)
    assert found.other_share < 0.05
    assert all(found.layers[layer.index].microseconds > 0 for layer in network.layers if layer.has_weights)
    assert (found.provider, found.threads, found.runs) == ("cpu", 1, 20)


def test_most_of_the_time_goes_to_the_layer_with_most_operations(foreign) -> None:
    network = foreign("residual").network
    found = times.measure(network, images(3)[0], threads=1, runs=20)
    slowest = max(found.layers, key=lambda layer: layer.share)
    assert network.layers[slowest.index].title in ("dense + ReLU", "conv 3x3 + ReLU")


def test_kernels_of_a_quantized_file_have_their_layers(static_model: Path) -> None:
    network = graph.read(static_model)
    found = times.measure(network, images(1, side=28)[0], threads=1, runs=20)
    assert found.other_share < 0.05
    assert all(found.layers[layer.index].share > 0 for layer in network.layers if layer.has_weights)


def test_a_file_made_by_hand_is_measured(by_hand) -> None:
    found = times.measure(by_hand, images(1, side=12)[0][:, :10], runs=5)
    assert sum(layer.share for layer in found.layers) + found.other_share == pytest.approx(1, abs=1e-9)


def test_no_profile_is_left(by_hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    times.measure(by_hand, images(1, side=12)[0][:, :10], runs=5)
    assert list(tmp_path.iterdir()) == []
