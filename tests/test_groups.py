"""Grouped labels keep their order from the recipe to the card: it is what class_id means."""

from pathlib import Path

import pytest

from edgecnn.errors import RecipeError
from edgecnn.export import export
from edgecnn.recipes.read import read
from edgecnn.runtime.classifier import load
from edgecnn.train import train
from edgecnn.verify import compare_files

GROUPS = {"tall": ["1", "7"], "round": ["0", "6", "8", "9"], "angular": ["2", "3", "4", "5"]}
CHANGES = {"epochs": 2, "data.groups": GROUPS, "network.parameters.filters": [8, 16]}


def test_groups_keep_their_order_through_run_file_and_verification(tmp_path: Path, data_root: Path) -> None:
    train(read("digits-compact", CHANGES), tmp_path / "run", root=data_root)
    exported = export(tmp_path / "run", tmp_path / "grouped.onnx", root=data_root)
    assert exported.parity_source == "digits test split"
    card = load(exported.path).card
    assert card.labels == list(GROUPS)
    assert card.dataset.groups is not None
    assert list(card.dataset.groups) == list(GROUPS)
    assert compare_files(tmp_path / "run", exported.path, root=data_root).agreement == 1.0


def test_one_group_is_nothing_to_tell_apart(tmp_path: Path, data_root: Path) -> None:
    recipe = read("digits-compact", {"data.groups": {"all": ["0", "1"]}})
    with pytest.raises(
        RecipeError, match=r"data\.groups has one group \(all\); a classifier tells at least two apart\."
    ):
        train(recipe, tmp_path / "run", root=data_root)
