"""Trainings whose pictures stay in their files: the same order for a seed, exact resumes, bounded memory."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from archives import archive, samples, shards, table

from edgecnn import checkpoint, data, train
from edgecnn.checkpoint import LAST
from edgecnn.data.streamed import Looked
from edgecnn.errors import CheckpointError, DataError, Interrupted, RecipeError
from edgecnn.recipes.read import read
from edgecnn.train import feed
from edgecnn.train.examples import Examples
from edgecnn.train.prepare import learning_task

SMALL = {
    "epochs": 2,
    "batch_size": 8,
    "data.size": 10,
    "data.validation": 0.2,
    "precision": "fp32",
    "network.parameters": {"filters": [4]},
    "preprocess.scale": "standard",
    "augment.flip": "alternating",
}
WRITERS = pytest.mark.parametrize("write", [shards, table], ids=["tar", "parquet"])


def weights(run: Path) -> dict[str, torch.Tensor]:
    return checkpoint.read(run / LAST).weights


def same(one: Path, other: Path) -> bool:
    return all(torch.equal(weight, weights(other)[name]) for name, weight in weights(one).items())


def trained(run: Path, dataset: str, buffer: int | None, **more: object) -> train.Outcome:  # type: ignore[name-defined]
    return train("digits-compact", run, overrides={**SMALL, "data.name": dataset, "data.buffer": buffer}, **more)


@WRITERS
def test_the_same_seed_trains_to_the_same_weights_and_another_buffer_to_others(
    tmp_path: Path, write: Callable[[Path], str]
) -> None:
    dataset = write(tmp_path / "set")
    for run, buffer in (("one", 10), ("two", 10), ("other", 3)):
        trained(tmp_path / run, dataset, buffer)
    assert same(tmp_path / "one", tmp_path / "two")
    assert not same(tmp_path / "one", tmp_path / "other")


@WRITERS
def test_a_run_that_was_stopped_in_an_epoch_goes_on_to_the_same_weights(
    tmp_path: Path, write: Callable[[Path], str]
) -> None:
    dataset = write(tmp_path / "set")
    trained(tmp_path / "whole", dataset, 10)
    for batches in (1, 2, 3):
        left = iter(range(batches))
        with pytest.raises(Interrupted):
            trained(
                tmp_path / "run",
                dataset,
                10,
                resume=batches > 1,
                should_stop=lambda left=left: next(left, None) is None,
            )
    trained(tmp_path / "run", dataset, 10, resume=True)
    assert same(tmp_path / "whole", tmp_path / "run")


@WRITERS
def test_splits_figures_and_survey_are_those_of_images_in_memory(tmp_path: Path, write: Callable[[Path], str]) -> None:
    dataset = write(tmp_path)
    overrides = {**SMALL, "data.name": dataset}
    recipes = [read("digits-compact", overrides | more) for more in ({}, {"data.buffer": 5})]
    held, streamed = (learning_task(recipe).prepare(recipe, None) for recipe in recipes)
    assert streamed.survey == held.survey
    assert streamed.record == held.record
    assert np.array_equal(streamed.golden_nhwc, held.golden_nhwc)
    for one, other in ((held.train, streamed.train), (held.validation, streamed.validation)):
        assert np.array_equal(one.images_nhwc, other.images_nhwc)
        assert np.array_equal(one.targets, other.targets)
    again = data.read_split(dataset, "test", size=(10, 10))
    assert len(again) == sum(count.test for count in streamed.survey.classes)


def test_no_more_pictures_are_held_than_the_buffer_and_a_batch(tmp_path: Path) -> None:
    looked = Looked(shards(tmp_path), (10, 12), None, 6)
    split = looked.whole.train
    targets = torch.from_numpy(split.labels_n)
    images = feed.feed(Examples(looked.streamed(split), split.labels_n, split.names), targets, torch.device("cpu"))
    order = images.order("all", 1)
    seen = [images.chosen(order, start, start + 4) for start in range(0, len(order), 4)]
    stored = torch.from_numpy(looked.streamed(split).read(order.numpy()))
    assert torch.equal(torch.cat(seen), stored)
    assert images.most_held <= 6 + 4
    images.order("all", 1)
    assert torch.equal(
        torch.cat([images.chosen(order, start, start + 4) for start in range(8, len(order), 4)]), stored[8:]
    )


def test_what_comes_as_arrays_or_is_drawn_with_replacement_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", images=np.zeros((4, 8, 8), np.uint8), labels=[0, 1, 0, 1])
    for name in ("digits", str(tmp_path / "own.npz")):
        with pytest.raises(DataError, match=r"comes as arrays.*data.buffer is for pictures"):
            trained(tmp_path / "run", name, 4)
    with pytest.raises(RecipeError, match="buffer reads each picture once an epoch"):
        read("digits-compact", {"data.buffer": 4, "data.sampling": "balanced"})


def test_a_run_is_not_resumed_with_other_pictures(tmp_path: Path) -> None:
    dataset = shards(tmp_path / "set")
    trained(tmp_path / "run", dataset, 10)
    archive(tmp_path / "set" / "train-000000.tar", samples(range(100, 120)))
    with pytest.raises(CheckpointError, match="resumed with the data it was started with"):
        trained(tmp_path / "run", dataset, 10, resume=True)
