"""Recipes: one trained thing per .toml file, and what a recipe may say (``schema``)."""

from edgecnn.registry import RECIPES


def names() -> tuple[str, ...]:
    """Return the names of the recipes that come with edgecnn, sorted; needs nothing that training needs."""
    return RECIPES.names()
