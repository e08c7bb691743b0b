"""From a study to its runs: every variant with every seed, as a recipe with nothing left open."""

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgecnn import networks
from edgecnn.code_name import is_code
from edgecnn.errors import RecipeError
from edgecnn.recipes.read import check, read
from edgecnn.recipes.schema import Recipe
from edgecnn.study.schema import Settings, Study, Variant
from edgecnn.train.run_folder import flat

NEVER_COMPARED = {"name", "description", "seed"}
PARAMETERS = "network.parameters."


@dataclass(frozen=True)
class PlannedRun:
    """One training to do. ``settings`` are its values of those keys in which the study's runs differ; a parameter that
    a run's network does not have is None."""

    label: str
    seed: int
    recipe: Recipe
    settings: Settings
    stated: float | None
    stated_on: str

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"{re.sub(r'[^A-Za-z0-9._=+-]+', '-', self.label).strip('-')}-seed{self.seed}"


def plan(
    study: Study, *, quick: bool = False, seeds: Sequence[int] = (), changes: Mapping[str, Any] | None = None
) -> tuple[PlannedRun, ...]:
    """Return the runs of a study, seeds of one variant side by side; ``changes`` (dotted keys) win over the study.

    Raises RecipeError.
    """
    for keys in (changes or {}, study.set, study.quick, study.varied, *(run.set for run in study.run)):
        if "seed" in keys:
            raise RecipeError(f"study {study.name}: sets the seed of each run itself. Use seeds, or --seeds 0,1,2.")
    fixed = sorted(set(study.varied) & flat(dict(changes or {})).keys())
    if fixed:
        raise RecipeError(
            f"study {study.name}: {', '.join(fixed)} is what its runs differ in, so --set cannot fix it. Change the "
            "study's file, or train one recipe with edgecnn train."
        )
    variants = list(study.variants())
    recipes = [_recipe(study, variant, quick, changes or {}) for variant in variants]
    planned = tuple(
        PlannedRun(variant.label, seed, seeded(recipe, seed), settings, variant.stated, variant.stated_on)
        for variant, recipe, settings in zip(variants, recipes, _differences(recipes), strict=True)
        for seed in dict.fromkeys(seeds or study.seeds)
    )
    _check_names(study, planned)
    return planned


def seeded(recipe: Recipe, seed: int) -> Recipe:
    """Return the recipe with that seed. Raises RecipeError for what is none."""
    return check({**recipe.model_dump(), "seed": seed}, recipe.name)


def _recipe(study: Study, variant: Variant, quick: bool, changes: Mapping[str, Any]) -> Recipe:
    layers = (*variant.layers, study.quick) if quick else variant.layers
    try:
        return read(variant.recipe, changes, over=layers)
    except RecipeError as error:
        raise RecipeError(f"study {study.name}, run '{variant.label}': {error}") from None


def _differences(recipes: Sequence[Recipe]) -> list[Settings]:
    """Return the settings in which the recipes differ, of each, with the networks' own defaults filled in."""
    described = [_described(recipe) for recipe in recipes]
    keys = [key for key in dict.fromkeys(itertools.chain(*described)) if key not in NEVER_COMPARED]
    differing = [key for key in keys if any(_value(one, key) != _value(described[0], key) for one in described)]
    return [{key: _value(settings, key) for key in differing} for settings in described]


def _described(recipe: Recipe) -> Settings:
    is_own = is_code(recipe.network.name)  # whose defaults only running it would tell
    defaults = {} if is_own else networks.parameters(recipe.network.name)
    groups = {"data.groups": recipe.data.groups}  # one setting, whatever the names in it
    own = flat(recipe.public().model_dump(exclude={"data": {"groups"}}))
    own.pop(PARAMETERS.rstrip("."), None)  # a table with nothing in it
    return {f"{PARAMETERS}{key}": value for key, value in defaults.items()} | own | groups


def _value(settings: Settings, key: str) -> Any:
    """Return a value; a list of TOML and a tuple of a default are the same."""
    value = settings.get(key)
    return list(value) if isinstance(value, tuple) else value


def _check_names(study: Study, planned: Sequence[PlannedRun]) -> None:
    labels: dict[str, str] = {}
    counts = Counter(run.name for run in planned)
    for run in planned:
        other = labels.setdefault(run.name.lower(), run.label)  # some file systems know no upper case
        if other != run.label or counts[run.name] > 1:
            raise RecipeError(
                f"study {study.name}: '{other}' and '{run.label}' would share the folder {run.name}; give each run a "
                "label of its own."
            )
