"""An exported file's weights go back into PyTorch's network, which then answers as the run that it came from."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from programs import program

from edgecnn import checkpoint, data, onnx_file
from edgecnn.contender import open_contender
from edgecnn.errors import EdgecnnError, ParityError
from edgecnn.runtime.classifier import load
from edgecnn.verify import compare_files


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return program("tools/checkpoint_of.py")


def test_checkpoint_of_a_file_answers_as_its_run(script, run: Path, model: Path, data_root: Path, tmp_path) -> None:
    found, gap = script.checkpoint_of(model)
    assert gap < 1e-6
    checkpoint.write(tmp_path / "back.safetensors", found)
    images = data.read_split("digits", "test", root=data_root).images_nhwc
    back, original = (open_contender(each).logits(images) for each in (tmp_path / "back.safetensors", run))
    np.testing.assert_allclose(back, original, atol=1e-4)
    compared = compare_files(tmp_path / "back.safetensors", model, root=data_root)
    assert compared.agreement > 0.99  # one image is a tie to seven digits


@pytest.mark.parametrize("name", ["mnist-c1", "mnist-small"])
def test_weights_of_the_zoos_plain_files_come_back(script: ModuleType, name: str) -> None:
    _, gap = script.checkpoint_of(Path(name) / "fp32")
    assert gap < 1e-5


def test_file_whose_weights_are_not_the_networks_is_refused(script: ModuleType, model: Path, tmp_path: Path) -> None:
    """A shift in the graph that the network has no place for."""
    changed = onnx.load(model)
    gemm = next(node for node in changed.graph.node if node.op_type == "Gemm")
    bias = next(tensor for tensor in changed.graph.initializer if tensor.name == gemm.input[2])
    changed.graph.initializer.append(numpy_helper.from_array(numpy_helper.to_array(bias) + 1, "elsewhere"))
    gemm.input[2] = "elsewhere"
    onnx_file.write_with_card(changed.SerializeToString(), load(model).card, tmp_path / "own.onnx")
    with pytest.raises(ParityError, match=r"own\.onnx: the network with its weights is \S+ off, over 1e-05"):
        script.checkpoint_of(tmp_path / "own.onnx")


def test_quantized_file_is_refused(script: ModuleType, model: Path, tmp_path: Path) -> None:
    card = replace(load(model).card, form="int8-static")
    onnx_file.write_with_card(model.read_bytes(), card, tmp_path / "own.onnx")
    with pytest.raises(EdgecnnError, match=r"is int8-static\. Expected a float32 model"):
        script.checkpoint_of(tmp_path / "own.onnx")


def test_weights_of_the_detector_come_back(script: ModuleType) -> None:
    found, gap = script.checkpoint_of(Path("digit-finder") / "fp32")
    assert gap < 1e-5
    assert found.task == "detection"


@pytest.mark.parametrize("name", ["digit-finder", "digits-webcam"])
def test_norms_get_statistics_and_answers_stay(script: ModuleType, name: str) -> None:
    """Then a network in training answers much as it does afterwards, which it does not without them."""
    found, _ = script.checkpoint_of(Path(name) / "fp32")
    images = np.random.default_rng(0).integers(0, 256, (64, *found.input.shape), dtype=np.uint8)
    filled = script.with_statistics(found, torch.from_numpy(images))
    before, after = (each.build()(torch.from_numpy(images)) for each in (found, filled))
    torch.testing.assert_close(after, before, atol=1e-3, rtol=1e-3)
    gaps = [
        float((each.build().train()(torch.from_numpy(images)) - before).abs().mean().detach())
        for each in (filled, found)
    ]
    assert gaps[0] < 0.5 * gaps[1]
