"""What a recipe learns from and learns with: the data split in two, the network with its preprocessing set."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgecnn import data, networks
from edgecnn.card import DatasetRecord, ImageInput
from edgecnn.checkpoint import PixelClassifier, build_classifier
from edgecnn.data import Split
from edgecnn.data.survey import Survey, survey
from edgecnn.data.whole import Whole
from edgecnn.digits.pages import digit_pages
from edgecnn.errors import DataError, RecipeError
from edgecnn.recipes.schema import Augment, Data, Progressive, Recipe
from edgecnn.train.finding import DIGIT, IGNORED, NOTHING

CHANNELS = {"auto": None, "gray": 1, "rgb": 3}
INITIAL_IMAGES, INITIAL_VALUES = 5_000, 5_000 * 32 * 32 * 3  # what a network may look at before it starts, at most
LOST_SHOWN = 10
VALIDATION_SHARE = 0.2  # what is suggested
FLAT = 1 / 255  # a deviation of one gray level, of pixels in 0..1
GOLDEN_BYTES = 12_288
GOLDEN_MOST, GOLDEN_LEAST = 10, 2


@dataclass(frozen=True)
class Examples:
    """Images with what is to be learnt of each: ``targets`` is a class, int64 (N,), or for a finder float32 (N, B, 5):
    boxes as x, y, width, height in pixels, and whether each is a digit, to be ignored, or nothing."""

    images_nhwc: NDArray[np.uint8]
    targets: NDArray[np.int64] | NDArray[np.float32]
    names: tuple[str, ...]
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images_nhwc)


@dataclass(frozen=True)
class Prepared:
    """The data of one training. Both splits carry the same label names. ``survey`` is of a data set of one's own."""

    train: Examples
    validation: Examples
    record: DatasetRecord
    survey: Survey | None = None

    @property
    def shape(self) -> ImageInput:
        """The size and colour of the images."""
        return ImageInput(*self.train.images_nhwc.shape[1:])


def prepare(recipe: Recipe, root: str | Path | None) -> Prepared:
    """Read the recipe's training split and hold out its validation split, or read the one that a data set of the user's
    own has. The test split of a named data set is not read."""
    if networks.kind(recipe.network.name) == "finder":
        return _prepare_pages(recipe, root)
    wanted = recipe.data
    size, channels = (wanted.size, wanted.size) if wanted.size else None, CHANNELS[wanted.color]
    if not data.is_named(wanted.name):
        return _prepare_own(wanted, data.read_whole(wanted.name, size, channels))
    train = data.read_split(wanted.name, "train", root=root, size=size, channels=channels)
    rest, drawn, record = _divided(wanted, _used(train, wanted))
    return Prepared(_with_classes(rest), _with_classes(drawn), record)


def _prepare_own(wanted: Data, whole: Whole) -> Prepared:
    """Divide a data set of the user's own, and say what is in it. Its test split is compared, not learnt from."""
    used = _used(whole.train, wanted)
    test = data.restricted(whole.test, None, wanted.groups, wanted.split_seed)
    if whole.validation is None:
        rest, drawn, record = _divided(wanted, used)
    else:
        rest, drawn = used, data.restricted(whole.validation, None, wanted.groups, wanted.split_seed)
        record = replace(_record(wanted), train=len(rest), validation=len(drawn), own_validation=True)
    share = f"{wanted.validation:.0%}" if wanted.validation < 1 else f"{wanted.validation:g}"
    found = survey(whole, rest, drawn, test, f"{share} of the training images, held out")
    return Prepared(_with_classes(rest), _with_classes(drawn), record, found)


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


def initial_classifier(
    recipe: Recipe, prepared: Prepared, say: Callable[[str], None] = lambda remark: None
) -> PixelClassifier:
    """Return the recipe's network with weights drawn from its seed and the preprocessing that it asks for.

    ``say`` is told what a user would not expect, a sentence each.
    """
    torch.manual_seed(recipe.seed)
    classifier = build_classifier(recipe, prepared.shape, len(prepared.train.names))
    mean_c, std_c = _mean_and_std(recipe, prepared.train.images_nhwc, say)
    classifier.scale.copy_(torch.tensor(1 / (255 * std_c)).reshape(classifier.scale.shape))
    classifier.shift.copy_(torch.tensor(-mean_c / std_c).reshape(classifier.shift.shape))
    with torch.no_grad():
        count = min(INITIAL_IMAGES, max(1, INITIAL_VALUES // int(np.prod(prepared.shape.shape))))
        first = torch.from_numpy(prepared.train.images_nhwc[:count])
        for remark in networks.initialize(
            recipe.network.name, recipe.network.parameters, classifier.network, classifier.normalized(first)
        ):
            say(f"weights: {remark}")
    return classifier


def golden_images(validation: Examples) -> Tensor:
    """Return a few validation images, one of each class as far as they go: uint8 (N, H, W, C). Of pages, the first."""
    if validation.targets.ndim > 1:
        return torch.from_numpy(validation.images_nhwc[:1])
    pixels = int(np.prod(validation.images_nhwc.shape[1:]))
    count = max(GOLDEN_LEAST, min(GOLDEN_MOST, GOLDEN_BYTES // pixels))
    _, first_of_class = np.unique(validation.targets, return_index=True)
    return torch.from_numpy(validation.images_nhwc[first_of_class[:count]])


def _with_classes(split: Split) -> Examples:
    return Examples(split.images_nhwc, split.labels_n, split.names, split.skipped)


def _prepare_pages(recipe: Recipe, root: str | Path | None) -> Prepared:
    """Read the rendered pages; what they are validated on is rendered from other digits, so nothing is held out."""
    as_they_are = recipe.augment == Augment() and recipe.progressive == Progressive()
    if recipe.data != Data(name=digit_pages.FOLDER) or not as_they_are:
        raise RecipeError(
            f"network {recipe.network.name} learns from rendered pages as they are: data.name is "
            f'"{digit_pages.FOLDER}" and nothing else of [data], [augment] or [progressive] is set.'
        )
    train, validation = (_with_boxes(digit_pages.read(root, split)) for split in ("train", "test"))
    record = DatasetRecord(digit_pages.FOLDER, len(train), len(validation), split_seed=0)
    return Prepared(train, validation, record)


def _with_boxes(pages: digit_pages.Pages) -> Examples:
    what = np.where(pages.ignored, IGNORED, np.where(pages.is_digit, DIGIT, NOTHING)).astype(np.float32)
    order = np.argsort(what == NOTHING, axis=1, kind="stable")[:, : max(int((what != NOTHING).sum(1).max()), 1)]
    boxes_nb5 = np.take_along_axis(np.concatenate((pages.boxes, what[..., None]), axis=2), order[..., None], axis=1)
    return Examples(pages.images[..., None], boxes_nb5, ("digit",))


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


def _mean_and_std(
    recipe: Recipe, images_nhwc: NDArray[np.uint8], say: Callable[[str], None]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and deviation by channel, of pixels in 0..1."""
    wanted, channels = recipe.preprocess, images_nhwc.shape[3]
    mean_c, std_c = np.zeros(channels), np.ones(channels)
    if wanted.scale == "weights":
        given_mean, given_std = networks.normalization(recipe.network.name, recipe.network.parameters)
        gray = channels == 1  # the mean over the colours; with data.color = "rgb" each has its own
        mean_c[:], std_c[:] = (np.mean(values) if gray else values for values in (given_mean, given_std))
    if wanted.scale == "standard":
        counts_cv = np.stack([np.bincount(images_nhwc[..., c].ravel(), minlength=256) for c in range(channels)])
        values, total = np.arange(256) / 255, images_nhwc[..., 0].size
        mean_c = counts_cv @ values / total
        std_c = np.sqrt((counts_cv * (values - mean_c[:, None]) ** 2).sum(axis=1) / total)
        flat_c = std_c < FLAT
        if flat_c.any() and wanted.std is None:
            numbers = ", ".join(str(channel) for channel in np.flatnonzero(flat_c))
            say(
                f"channel {numbers} has nearly one value in all training images, so it is not divided by its "
                "deviation: any other value would drown the rest."
            )
            std_c[flat_c] = 1.0
    for key, given, result in (("mean", wanted.mean, mean_c), ("std", wanted.std, std_c)):
        if given is not None and len(given) != channels:
            raise RecipeError(f"preprocess.{key} has {len(given)} numbers; the images have {channels} channels.")
        result[:] = result if given is None else given
    return mean_c, np.maximum(std_c, 1e-8)
