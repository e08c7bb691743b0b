"""Progressive resizing: how images grow, that they are shrunk rightly, and that training with it holds together."""

from pathlib import Path

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from edgecnn import checkpoint
from edgecnn.errors import Interrupted, RecipeError
from edgecnn.recipes.read import read
from edgecnn.recipes.schema import Progressive, Recipe
from edgecnn.train import train
from edgecnn.train.progressive import STEP, fraction_of_side, resized, side_of

starts = st.floats(0.1, 1)
untils = st.floats(0.05, 1)


def growing(**changes: object) -> Recipe:
    settings = {
        "epochs": 4,
        "batch_size": 32,
        "network.name": "speedrun",
        "network.parameters": {"filters": [8, 8]},
        "data.subset": 140,
        "data.validation": 20,
        "precision": "fp32",
        "progressive.start": 0.5,
    }
    return read("digits-compact", {**settings, **{key.replace("__", "."): value for key, value in changes.items()}})


@given(starts, untils, st.integers(1, 30))
@example(0.2829695921300559, 0.5, 6)
def test_images_grow_from_the_start_to_the_whole_and_stay_so(start: float, until: float, epochs: int) -> None:
    fractions = [fraction_of_side(Progressive(start=start, until=until), epoch, epochs) for epoch in range(epochs)]
    assert fractions[0] == pytest.approx(start)
    assert fractions == sorted(fractions)
    assert all(fraction == 1 for epoch, fraction in enumerate(fractions) if epoch >= until * epochs)


@given(st.integers(4, 300), starts)
def test_a_side_never_grows_and_is_a_multiple_below_the_whole(side: int, fraction: float) -> None:
    found = side_of(side, fraction)
    assert found <= side
    assert found == side or found % STEP == 0
    assert side_of(side, 1.0) == side


def test_half_the_side_is_the_mean_of_neighbors_but_for_the_antialiasing() -> None:
    ramp = torch.arange(16, dtype=torch.uint8).mul(10).expand(1, 16, 16)[..., None]
    small = resized(ramp, 0.5)
    assert small.shape == (1, 8, 8, 1)
    torch.testing.assert_close(small[0, 4, 1:-1, 0], torch.arange(8)[1:-1] * 20 + 5.0)


def test_whole_images_are_left_alone() -> None:
    images = torch.randint(0, 256, (3, 10, 14, 3), dtype=torch.uint8)
    assert resized(images, 1.0) is images


def test_a_run_learns_on_small_images_and_is_validated_on_whole_ones(tmp_path: Path, data_root: Path) -> None:
    epochs = []
    train(growing(), tmp_path / "run", root=data_root, on_epoch=epochs.append)
    assert epochs[-1].train["loss"] < epochs[0].train["loss"]
    assert checkpoint.read(tmp_path / "run").golden_images_nhwc.shape[1:3] == (28, 28)


def test_a_resumed_run_ends_in_the_same_weights(tmp_path: Path, data_root: Path) -> None:
    asked = iter(range(100))
    with pytest.raises(Interrupted):
        train(growing(), tmp_path / "cut", root=data_root, should_stop=lambda: next(asked) == 5)
    train(growing(), tmp_path / "cut", root=data_root, resume=True)
    train(growing(), tmp_path / "whole", root=data_root)
    cut, whole = (checkpoint.read(tmp_path / name).weights for name in ("cut", "whole"))
    assert all(torch.equal(cut[name], whole[name]) for name in whole)


def test_a_network_of_one_size_is_refused_before_anything_is_written(tmp_path: Path, data_root: Path) -> None:
    with pytest.raises(RecipeError, match="twoconv takes images of one size"):
        train(growing(network__name="twoconv", network__parameters={}), tmp_path / "run", root=data_root)
    assert not (tmp_path / "run").exists()
