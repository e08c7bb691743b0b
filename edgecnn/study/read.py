"""Read a study by name or from a .toml, with messages as for recipes."""

from pathlib import Path

from edgecnn.recipes.read import locate, parsed, validated
from edgecnn.registry import STUDIES
from edgecnn.study.schema import Study


def read(study: str) -> Study:
    """Read a study: a name, or a path ending in .toml; recipes named there by their path are relative to it.

    Raises RecipeError with the file, the key, what was found and what is allowed.
    """
    path = locate(study, STUDIES)
    found = validated(Study, {"name": path.name.removesuffix(".toml"), **parsed(path)}, path.name)
    folder = path.parent
    runs = [run.model_copy(update={"recipe": _beside(run.recipe, folder)}) for run in found.run]
    return found.model_copy(update={"recipe": _beside(found.recipe, folder), "run": runs})


def _beside(recipe: str | None, folder: Path) -> str | None:
    return str((folder / recipe).resolve()) if recipe is not None and recipe.endswith(".toml") else recipe
