"""The images with boxes that a detector learns from and is measured on."""

from pathlib import Path
from typing import Literal

import numpy as np

from edgecnn.card import DatasetRecord
from edgecnn.data.boxes import IGNORED, NOTHING, THING, Boxes
from edgecnn.digits.pages import digit_pages
from edgecnn.errors import DataError, RecipeError
from edgecnn.recipes.schema import Augment, Data, Progressive, Recipe
from edgecnn.train.examples import Examples, Prepared

Part = Literal["train", "validation", "test"]

PAGES = digit_pages.FOLDER


def prepared(recipe: Recipe, root: str | Path | None) -> Prepared:
    """Read the images to train on and those to validate on."""
    as_they_are = recipe.augment == Augment() and recipe.progressive == Progressive()
    if recipe.data != Data(name=PAGES) or not as_they_are:
        raise RecipeError(
            f"network {recipe.network.name} learns from rendered pages as they are: data.name is "
            f'"{PAGES}" and nothing else of [data], [augment] or [progressive] is set.'
        )
    train, validation = (read(PAGES, part, root) for part in ("train", "validation"))
    record = DatasetRecord(PAGES, len(train), len(validation), split_seed=0)
    return Prepared(_examples(train), _examples(validation), record, validation.images_nhwc[:1])


def read(name: str, part: Part, root: str | Path | None) -> Boxes:
    """Read a split of a data set of boxes.

    The rendered pages that are not trained on are drawn from other digits; they serve to choose by, so they are the
    validation split, and there is no test split. Raises DataError.
    """
    if name != PAGES or part == "test":
        raise DataError(f"{name}: has no {part} split of images with boxes; expected {PAGES}, train or validation.")
    pages = digit_pages.read(root, "train" if part == "train" else "test")
    what = np.where(pages.ignored, IGNORED, np.where(pages.is_digit, THING, NOTHING)).astype(np.float32)
    return Boxes(pages.images[..., None], pages.boxes, what, ("digit",))


def is_here(name: str, part: Part, root: str | Path | None) -> bool:
    """Tell whether a split can be read without being made first."""
    return name != PAGES or digit_pages.is_here(root, "train" if part == "train" else "test")


def _examples(boxes: Boxes) -> Examples:
    return Examples(boxes.images_nhwc, boxes.targets_nb5(), boxes.labels)
