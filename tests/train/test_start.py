"""A network of ours starts from a run's weights, with its last layer made anew where the classes are others."""

import shutil
from pathlib import Path

import pytest
import torch
from conftest import SMALL

from edgecnn import checkpoint
from edgecnn.errors import CheckpointError, RecipeError
from edgecnn.export.proven import public_recipe
from edgecnn.recipes.read import read
from edgecnn.recipes.schema import Recipe
from edgecnn.tasks._classification.examples import prepared as prepare
from edgecnn.train import train
from edgecnn.train.loop import Loop

GROUPS = {"data.groups": {"round": ["0", "6", "8", "9"], "straight": ["1", "4", "7"]}, "data.subset": 200}


def _recipe(run: Path, **changes: object) -> Recipe:
    return read("digits-compact", SMALL | {"start_from": str(run), **changes})


def _begun(recipe: Recipe, root: Path, run: Path = Path("none")) -> dict[str, torch.Tensor]:
    loop = Loop(recipe, run, torch.device("cpu"), prepare(recipe, root))
    return loop.classifier.network.state_dict()


def _weights(run: Path) -> dict[str, torch.Tensor]:
    found = checkpoint.read(run).weights.items()
    return {name.removeprefix("network."): tensor for name, tensor in found if name.startswith("network.")}


def test_all_weights_are_taken_where_the_classes_are_the_same(run: Path, data_root: Path) -> None:
    own, given = _begun(_recipe(run), data_root), _weights(run)
    assert own.keys() == given.keys()
    assert all(torch.equal(own[name], given[name]) for name in own)


def test_the_last_layer_is_new_where_they_are_others(run: Path, data_root: Path) -> None:
    own, given = _begun(_recipe(run, **GROUPS, **{"data.validation": 20}), data_root), _weights(run)
    differing = {name.rpartition(".")[0] for name in own if own[name].shape != given[name].shape}
    assert len(differing) == 1
    assert all(torch.equal(own[name], given[name]) for name in own if name.rpartition(".")[0] not in differing)


def test_another_network_is_refused(run: Path, data_root: Path, tmp_path: Path) -> None:
    wanted = _recipe(run, **{"network.parameters": {"filters": [8, 24]}})
    with pytest.raises(RecipeError, match=r"start_from: .* holds compact with .* do not fit here"):
        train(wanted, tmp_path / "run", root=data_root)
    assert not (tmp_path / "run").exists()


def test_what_is_no_run_is_refused(data_root: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such run or checkpoint"):
        train(_recipe(tmp_path / "gone"), tmp_path / "run", root=data_root)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "Git LFS"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (None, "not a checkpoint of edgecnn"),
    ],
    ids=["pointer", "page", "weights alone"],
)
def test_a_file_that_holds_no_checkpoint_is_refused(
    run: Path, data_root: Path, tmp_path: Path, content: bytes | None, said: str
) -> None:
    given = tmp_path / "weights.pth"
    torch.save(_weights(run), given) if content is None else given.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"weights.pth: .*{said}"):
        train(_recipe(given), tmp_path / "run", root=data_root)
    assert not (tmp_path / "run").exists()


def test_a_resumed_run_needs_its_start_no_more(run: Path, data_root: Path, tmp_path: Path) -> None:
    start = shutil.copytree(run, tmp_path / "start")
    recipe = _recipe(start, epochs=1)
    first = train(recipe, tmp_path / "run", root=data_root)
    shutil.rmtree(start)
    again = train(recipe, tmp_path / "run", root=data_root, resume=True)
    assert again.best == first.best
    assert first.best.validation["accuracy"] > 0.6  # after one epoch; from scratch it takes many


def test_the_card_names_the_start_without_its_folders(run: Path) -> None:
    found = checkpoint.read(run)
    moved = checkpoint.Checkpoint(**{**vars(found), "recipe": _recipe(Path("/home/ada/runs/digits"))})
    assert public_recipe(moved)["start_from"] == "digits"
    assert "start_from" not in public_recipe(found)
