"""The images that a classifier learns from, and the validation images that are held out of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn import data
from edgecnn.card import DatasetRecord
from edgecnn.data import Split
from edgecnn.data.streamed import Looked
from edgecnn.data.survey import survey
from edgecnn.data.whole import Whole
from edgecnn.errors import DataError, RecipeError
from edgecnn.recipes.schema import Data, Recipe
from edgecnn.train.examples import Examples, Prepared

CHANNELS = {"auto": None, "gray": 1, "rgb": 3}
LOST_SHOWN, LEAST_CLASSES = 10, 2
VALIDATION_SHARE = 0.2  # what is suggested
GOLDEN_BYTES = 12_288
GOLDEN_MOST, GOLDEN_LEAST = 10, 2


def prepared(recipe: Recipe, root: str | Path | None) -> Prepared:
    """Read the recipe's training split and hold out its validation split, or read the one that a data set of the user's
    own has. The test split of a named data set is not read."""
    wanted = recipe.data
    if wanted.groups is not None and len(wanted.groups) < LEAST_CLASSES:
        raise RecipeError(
            f"data.groups has one group ({', '.join(wanted.groups)}); a classifier tells at least two apart. Add "
            "another."
        )
    size, channels = (wanted.size, wanted.size) if wanted.size else None, CHANNELS[wanted.color]
    if wanted.buffer is not None:
        looked = Looked(wanted.name, size, channels, wanted.buffer)
        return _prepare_own(wanted, looked.whole, looked)
    if not data.is_named(wanted.name):
        return _prepare_own(wanted, data.read_whole(wanted.name, size, channels))
    train = data.read_split(wanted.name, "train", root=root, size=size, channels=channels)
    rest, drawn, record = _divided(wanted, _used(train, wanted))
    return Prepared(_with_classes(rest), _with_classes(drawn), record, golden_images(drawn))


def _prepare_own(wanted: Data, whole: Whole, looked: Looked | None = None) -> Prepared:
    """Divide a data set of the user's own, and say what is in it. Its test split is compared, not learned from. One
    that stays in its files was ``looked`` at."""
    used = _used(whole.train, wanted)
    test = data.restricted(whole.test, None, wanted.groups, wanted.split_seed)
    if whole.validation is None:
        rest, drawn, record = _divided(wanted, used)
    else:
        rest, drawn = used, data.restricted(whole.validation, None, wanted.groups, wanted.split_seed)
        record = replace(_record(wanted), train=len(rest), validation=len(drawn), own_validation=True)
    share = f"{wanted.validation:.0%}" if wanted.validation < 1 else f"{wanted.validation:g}"
    held_out = f"{share} of the training images, held out"
    if looked is None:
        found = survey(whole, rest, drawn, test, held_out)
        return Prepared(_with_classes(rest), _with_classes(drawn), record, golden_images(drawn), found)
    found = survey(whole, looked.compared(rest), looked.compared(drawn), looked.compared(test), held_out)
    train, validation = (
        Examples(looked.streamed(split), split.labels_n, split.names, split.skipped) for split in (rest, drawn)
    )
    golden = looked.streamed(drawn).read(_golden_places(drawn.labels_n, validation.images.shape[1:]))
    return Prepared(train, validation, record, golden, found)


def _used(train: Split, wanted: Data) -> Split:
    """Return what a recipe uses of a training split. Raises DataError where a class is left without an image."""
    used = data.restricted(train, wanted.subset, wanted.groups, wanted.split_seed)
    _see_every_class(used, f"{wanted.name}: no image of {{}} to learn from")
    return used


def _divided(wanted: Data, used: Split) -> tuple[Split, Split, DatasetRecord]:
    """Hold the validation split out of the training images: what is left, what is held out, and the record of it."""
    record = replace(_record(wanted), validation=_validation_count(wanted, used))
    train, validation = data.divided(used, record)
    _see_every_class(
        train,
        f"{wanted.name}: holding out {record.validation} of {len(used)} images for validation leaves none of {{}} to "
        "learn from",
    )
    return train, validation, replace(record, train=len(train))


def _record(wanted: Data) -> DatasetRecord:
    return DatasetRecord(
        name=wanted.name,
        train=0,
        validation=0,
        split_seed=wanted.split_seed,
        subset=wanted.subset,
        groups=wanted.groups,
    )


def _see_every_class(split: Split, found: str) -> None:
    lost = [split.names[label] for label in np.setdiff1d(np.arange(len(split.names)), split.labels_n)]
    if lost:
        some = ", ".join(lost[:LOST_SHOWN]) + (f" and {len(lost) - LOST_SHOWN} more" if lost[LOST_SHOWN:] else "")
        raise DataError(
            f"{found.format(some)}; every class needs images of its own there, beside those for validation and test. "
            "Add some, use fewer for validation (--set data.validation=N), or leave that class out."
        )


def golden_images(validation: Split) -> NDArray[np.uint8]:
    """Return a few validation images, one of each class as far as they go: uint8 (N, H, W, C)."""
    return validation.images_nhwc[_golden_places(validation.labels_n, validation.images_nhwc.shape[1:])]


def _golden_places(labels_n: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
    count = max(GOLDEN_LEAST, min(GOLDEN_MOST, GOLDEN_BYTES // int(np.prod(shape))))
    _, first_of_class = np.unique(labels_n, return_index=True)
    return first_of_class[:count]


def _with_classes(split: Split) -> Examples:
    return Examples(split.images_nhwc, split.labels_n, split.names, split.skipped)


def _validation_count(wanted: Data, used: Split) -> int:
    """Return how many images are held out. A count has to leave as many to learn from; a fraction is taken at its
    word."""
    images, classes = len(used), len(np.unique(used.labels_n))
    is_share = wanted.validation < 1
    count = round(wanted.validation * images) if is_share else round(wanted.validation)
    if 0 < count < images and (is_share or 2 * count <= images):
        return count
    least = min(max(round(VALIDATION_SHARE * images), classes), images // 2)
    raise RecipeError(
        f"data.validation is {wanted.validation:g}, which holds out {count:,} of {images:,} images of {wanted.name}; "
        "expected a fraction below 1 or a count that leaves at least as many images to train on, as with "
        f"--set data.validation={least}."
    )
