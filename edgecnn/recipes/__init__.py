"""Recipes: one trained thing per .toml file, and what a recipe may say (``schema``)."""

from importlib import resources


def names() -> tuple[str, ...]:
    """Return the names of the recipes that come with edgecnn, sorted; needs nothing that training needs."""
    files = (entry.name for entry in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))
