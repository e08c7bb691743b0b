"""Recipes: one trained thing per .toml file, and what a recipe may say (``schema``)."""

from edgecnn.registry import RECIPES

names = RECIPES.names  # of the recipes that come with edgecnn, sorted; needs nothing that training needs
