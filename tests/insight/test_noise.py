"""Signal to noise by layer, against the same by hand, and where it must fall."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from foreign import images
from onnx import numpy_helper

from edgecnn import data
from edgecnn.errors import ModelError
from edgecnn.insight import graph, noise
from edgecnn.insight.activations import activations


@pytest.fixture(scope="module")
def digits(data_root: Path) -> np.ndarray:
    return data.read_split("digits", "test", root=data_root).images_nhwc[:24]


def test_ratios_are_those_of_the_powers(model: Path, static_model: Path, digits: np.ndarray) -> None:
    networks = graph.read(model), graph.read(static_model)
    ours, theirs = (activations(network, digits) for network in networks)
    rows = noise.measure(*networks, digits)
    assert len([row for row in rows if row.integers]) > 5
    for row in rows:
        signal, error = ours[row.name].astype(np.float64), ours[row.name].astype(np.float64) - theirs[row.candidate]
        if row.snr_db is not None:
            assert row.snr_db == pytest.approx(10 * np.log10((signal**2).sum() / (error**2).sum()), abs=1e-6)


def test_a_file_against_itself_has_no_noise(model: Path, digits: np.ndarray) -> None:
    network = graph.read(model)
    assert {row.snr_db for row in noise.measure(network, network, digits)} == {None}


def test_the_layer_with_a_scale_that_is_too_small_is_found(
    static_model: Path, model: Path, digits, tmp_path: Path
) -> None:
    """Its integers stand for a quarter of the range, so what is above is cut off."""
    broken = onnx.load(static_model)
    second = [layer for layer in graph.read(static_model).layers if layer.has_weights][1]
    scale = next(one for one in broken.graph.initializer if one.name == f"{second.name}_scale")
    scale.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(scale) / 4, scale.name))
    onnx.save(broken, tmp_path / "broken.onnx")
    rows = noise.measure(graph.read(model), graph.read(tmp_path / "broken.onnx"), digits)
    worst = max((row for row in rows if row.fall_db is not None), key=lambda row: row.fall_db)
    assert worst.name == second.name
    assert worst.saturated > 0.01
    assert all(row.saturated == 0 for row in rows if row.index < worst.index)


def test_files_whose_names_differ_are_matched_by_kind_and_order(foreign, tmp_path: Path) -> None:
    network = foreign("lenet").network
    renamed = onnx.load(network.path)
    for node in renamed.graph.node:
        node.input[:] = [name if name in network.constants.tensors else f"x_{name}" for name in node.input]
        node.output[:] = [f"x_{name}" for name in node.output]
    for entry in (*renamed.graph.input, *renamed.graph.output):
        entry.name = f"x_{entry.name}"
    del renamed.graph.value_info[:]
    onnx.save(renamed, tmp_path / "renamed.onnx")
    rows = noise.measure(network, graph.read(tmp_path / "renamed.onnx"), images(3))
    assert [row.title for row in rows] == [layer.title for layer in network.layers if not layer.is_layout]
    assert {row.snr_db for row in rows} == {None}


def test_files_of_two_sizes_are_refused(model: Path, foreign) -> None:
    with pytest.raises(ModelError, match=r"takes images of 28x28x1, .* of 32x32x3; expected two files of one network"):
        noise.measure(graph.read(model), foreign("lenet").network, images(3))
