"""Checkpoints: what is written is what is read, and what is no checkpoint is a message."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from edgecnn import checkpoint
from edgecnn.checkpoint import BEST, Checkpoint, PixelClassifier
from edgecnn.errors import CheckpointError
from edgecnn.recipes.read import read as read_recipe
from edgecnn.tasks._classification.examples import prepared as prepare
from edgecnn.train.prepare import initial_classifier


@pytest.fixture(scope="module")
def trained(run: Path) -> Checkpoint:
    return checkpoint.read(run)


def metadata_of(run: Path) -> dict:
    with safe_open(run / BEST, framework="pt") as file:
        return json.loads(file.metadata()[checkpoint.METADATA_KEY])


def test_round_trip_keeps_every_weight(trained: Checkpoint, tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "again.safetensors", trained)
    again = checkpoint.read(tmp_path / "again.safetensors").weights
    assert again.keys() == trained.weights.keys()
    assert all(torch.equal(again[name], trained.weights[name]) for name in again)


def test_round_trip_keeps_everything_else(trained: Checkpoint, tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "again.safetensors", trained)
    again = checkpoint.read(tmp_path / "again.safetensors")
    assert torch.equal(again.golden_images_nhwc, trained.golden_images_nhwc)
    for field in ("recipe", "labels", "input", "dataset", "epoch", "figures", "versions"):
        assert getattr(again, field) == getattr(trained, field), field


def test_round_trip_keeps_the_logits(trained: Checkpoint, tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "again.safetensors", trained)
    images = torch.randint(0, 256, (4, *trained.input.shape), dtype=torch.uint8)
    with torch.inference_mode():
        before, after = trained.build()(images), checkpoint.read(tmp_path / "again.safetensors").build()(images)
    assert torch.equal(before, after)


@pytest.mark.parametrize("dtype", [torch.int8, torch.bool, torch.complex64])
def test_a_weight_that_would_be_cut_to_fit_is_a_message(trained: Checkpoint, dtype: torch.dtype) -> None:
    name = next(name for name, tensor in trained.weights.items() if tensor.is_floating_point())
    changed = replace(trained, weights={**trained.weights, name: trained.weights[name].to(dtype)})
    found = str(dtype).removeprefix("torch.")
    with pytest.raises(CheckpointError, match=f"do not fit network compact .{name} is {found}; expected floating"):
        changed.build()


def test_same_checkpoint_is_the_same_bytes(trained: Checkpoint, tmp_path: Path) -> None:
    for name in ("a.safetensors", "b.safetensors"):
        checkpoint.write(tmp_path / name, trained)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_another_layout_in_memory_is_the_same_bytes(trained: Checkpoint, tmp_path: Path) -> None:
    strided = {
        name: tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor
        for name, tensor in trained.weights.items()
    }
    checkpoint.write(tmp_path / "a.safetensors", trained)
    checkpoint.write(tmp_path / "b.safetensors", replace(trained, weights=strided))
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_run_means_its_best_checkpoint(run: Path) -> None:
    assert checkpoint.locate(run) == run / BEST


def test_built_network_is_ready_for_inference(trained: Checkpoint) -> None:
    assert not trained.build().training


def test_missing_file_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.safetensors: no such run or checkpoint\. Make one with"):
        checkpoint.read(tmp_path / "gone.safetensors")


def test_run_without_a_finished_epoch_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no best\.safetensors in it, so no epoch was finished here"):
        checkpoint.read(tmp_path)


@pytest.mark.parametrize("keep", [0, 7, 100, -1])
def test_broken_file_is_a_message(run: Path, tmp_path: Path, keep: int) -> None:
    (tmp_path / "broken.safetensors").write_bytes((run / BEST).read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"broken\.safetensors: not a checkpoint of edgecnn \(.*Expected a run's"):
        checkpoint.read(tmp_path / "broken.safetensors")


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"edgecnn": "{"}, {"edgecnn": "[]"}, {"edgecnn": "{}"}])
def test_safetensors_of_others_is_a_message(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    save_file({"weight": torch.zeros(3)}, tmp_path / "foreign.safetensors", metadata)
    with pytest.raises(CheckpointError, match=r"foreign\.safetensors: not a checkpoint of edgecnn"):
        checkpoint.read(tmp_path / "foreign.safetensors")


def test_checkpoint_without_golden_images_is_a_message(run: Path, tmp_path: Path) -> None:
    metadata = {checkpoint.METADATA_KEY: json.dumps(metadata_of(run))}
    save_file({"weights.a": torch.zeros(3)}, tmp_path / "bare.safetensors", metadata)
    with pytest.raises(CheckpointError, match=r"not a checkpoint of edgecnn .*golden_images"):
        checkpoint.read(tmp_path / "bare.safetensors")


def test_weights_of_another_network_are_a_message(trained: Checkpoint) -> None:
    other = read_recipe("digits-compact", {"network.name": "lenet"})
    with pytest.raises(CheckpointError, match="the weights do not fit network lenet"):
        replace(trained, recipe=other).build()


def test_failed_write_leaves_the_old_file(trained: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "kept.safetensors"
    checkpoint.write(path, trained)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        checkpoint.write(path, replace(trained, figures={"loss": object()}))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_preprocessing_is_that_of_the_definition(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = (rng.integers(0, 256, (60, 8, 8, 3)) // np.array([1, 2, 3])).astype(np.uint8)
    np.savez(tmp_path / "own.npz", images=images, labels=np.arange(60) % 2)
    changes = {"data.name": str(tmp_path / "own.npz"), "data.validation": 10, "preprocess.scale": "standard"}
    recipe = read_recipe("digits-compact", changes)
    prepared = prepare(recipe, None)
    classifier = initial_classifier(recipe, prepared)
    pixels = PixelClassifier(torch.nn.Identity(), classifier.scale, classifier.shift)(torch.from_numpy(images))
    seen = prepared.train.images_nhwc / 255
    expected = (images / 255 - seen.mean(axis=(0, 1, 2))) / seen.std(axis=(0, 1, 2))
    np.testing.assert_allclose(pixels.permute(0, 2, 3, 1).numpy(), expected, atol=1e-5)
