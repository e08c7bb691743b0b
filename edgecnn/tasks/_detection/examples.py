"""The images with boxes that a detector learns from and is measured on: rendered pages, or a folder of one's own."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from edgecnn import data
from edgecnn.boxes import MULTIPLE
from edgecnn.card import DatasetRecord, ImageInput
from edgecnn.data import boxes_folder
from edgecnn.data.boxes import IGNORED, NOTHING, THING, Boxes
from edgecnn.data.boxes_labels import Labels
from edgecnn.data.sources import FOLDER
from edgecnn.data.split import stratified
from edgecnn.digits.pages import digit_pages
from edgecnn.errors import DataError, RecipeError
from edgecnn.recipes.schema import Augment, Data, Progressive, Recipe
from edgecnn.train.examples import Examples, Prepared

Part = Literal["train", "validation", "test"]

PAGES = digit_pages.FOLDER


class MadeFor(Protocol):
    """What says which images belong to a model: its card or its checkpoint."""

    @property
    def dataset(self) -> DatasetRecord:
        """What it was trained on."""

    @property
    def input(self) -> ImageInput:
        """The size of those images."""

    @property
    def labels(self) -> Sequence[str]:
        """The name of what it detects."""


def prepared(recipe: Recipe, root: str | Path | None) -> Prepared:
    """Read the images to train on and those to validate on."""
    if recipe.quantization:
        raise RecipeError(
            "quantization is for classifiers: a detector's file runs its network at several sizes. Leave it out."
        )
    if recipe.augment != Augment() or recipe.progressive != Progressive():
        raise RecipeError(
            f"network {recipe.network.name} learns from images with boxes as they are: nothing of [augment] or "
            "[progressive] is set."
        )
    if recipe.data.name.startswith(FOLDER):
        return _prepare_own(recipe.data)
    if recipe.data != Data(name=PAGES):
        raise RecipeError(
            f'network {recipe.network.name} learns from images with boxes: data.name is folder:PATH, or "{PAGES}" and '
            "nothing else of [data] is set."
        )
    train, validation = (_read_pages(part, root) for part in ("train", "validation"))
    record = DatasetRecord(PAGES, len(train), len(validation), split_seed=0)
    return Prepared(_examples(train), _examples(validation), record, validation.images_nhwc[:1])


def is_own(name: str) -> bool:
    """Tell a folder of the user's own from the rendered pages."""
    return name.startswith(FOLDER)


def read_for(model: MadeFor, part: Part, root: str | Path | None, *, dataset: str | None = None) -> Boxes:
    """Read the split that belongs to a model, as it was drawn; ``dataset`` says where it lies now, or names another
    one, whose test split or, where it has none, all of it is read. Raises DataError."""
    record, shape, name = model.dataset, model.input, dataset or model.dataset.name
    if not is_own(name):
        return read(name, part, root)
    if not _path(name).exists():
        here = "is not here" if dataset else "the model was trained on it, and it is not here"
        raise DataError(f"{name}: {here}. Say where it is with --data.")
    labels = boxes_folder.read_labels(_path(name))
    things = boxes_folder.things_for(labels, model.labels[0], record.groups, name)
    is_other = data.public_name(name) != data.public_name(record.name)
    if is_other and part == "test":
        pictures = labels.parts.get("all", labels.parts["test"])
        return boxes_folder.read(pictures, labels, things, shape)
    if part == "test" or (part == "validation" and record.own_validation):
        return _read_part(labels, part, things, shape, name)
    used = _used(_read_part(labels, "train", things, shape, name), record.subset, record.split_seed)
    return used if record.own_validation else _divided(used, record)[part == "validation"]


def is_here(name: str, part: Part, root: str | Path | None) -> bool:
    """Tell whether a split can be read without being made first."""
    if is_own(name):
        return _path(name).exists()
    return name == PAGES and digit_pages.is_here(root, "train" if part == "train" else "test")


def _prepare_own(wanted: Data) -> Prepared:
    """Read a folder: its validation split, or one that is held out of its training images. Its test split is not
    read."""
    _check(wanted)
    labels = boxes_folder.read_labels(_path(wanted.name))
    things = boxes_folder.things_of(labels, wanted.groups, wanted.name)
    shape = boxes_folder.shape_for(labels.parts["train"], wanted.size)
    train = _used(_read_part(labels, "train", things, shape, wanted.name), wanted.subset, wanted.split_seed)
    own = "validation" in labels.parts
    record = DatasetRecord(
        wanted.name, 0, 0, wanted.split_seed, wanted.subset, wanted.groups, own_validation=own or None
    )
    if own:
        validation = _read_part(labels, "validation", things, shape, wanted.name)
    else:
        record = replace(record, validation=_validation_count(wanted, len(train)))
        train, validation = _divided(train, record)
    for part, boxes in (("train", train), ("validation", validation)):
        if not boxes.things:
            raise DataError(
                f"{wanted.name}: no {things.name} on the {len(boxes)} {part} images; expected some to learn from and "
                "some to choose by. Add pictures, or hold out more with --set data.validation=N."
            )
    record = replace(record, train=len(train), validation=len(validation))
    return Prepared(_examples(train), _examples(validation), record, _golden_image(validation))


def _check(wanted: Data) -> None:
    if wanted.buffer is not None:
        raise RecipeError("data.buffer is for classifiers; images with boxes are read as a whole. Leave it out.")
    if wanted.sampling != "all":
        raise RecipeError("data.sampling is balanced, and a detector has one kind of thing. Leave it out.")
    if wanted.color == "rgb":
        raise RecipeError("data.color is rgb, and a detector takes gray frames. Leave it out.")
    if wanted.size is not None and wanted.size % MULTIPLE:
        raise RecipeError(
            f"data.size is {wanted.size}, and a detector learns from sides that are multiples of {MULTIPLE}, as with "
            f"--set data.size={max(1, round(wanted.size / MULTIPLE)) * MULTIPLE}."
        )


def _read_part(labels: Labels, part: Part, things: boxes_folder.Things, shape: ImageInput, name: str) -> Boxes:
    if part not in labels.parts:
        raise DataError(f"{name}: has no {part} split of its own; there is {', '.join(labels.parts)}.")
    try:
        return boxes_folder.read(labels.parts[part], labels, things, shape)
    except DataError as error:
        raise DataError(f"{name} ({part}): {error}") from error


def _used(train: Boxes, subset: int | None, seed: int) -> Boxes:
    if subset is None or subset >= len(train):
        return train
    return train.take(stratified(_shows_something(train), subset, seed)[1])


def _divided(used: Boxes, record: DatasetRecord) -> tuple[Boxes, Boxes]:
    """Return (training, validation) images, those that show nothing in both in their share."""
    rest, drawn = stratified(_shows_something(used), record.validation, record.split_seed)
    return used.take(rest), used.take(drawn)


def _shows_something(boxes: Boxes) -> NDArray[np.int64]:
    return np.asarray((boxes.what_nb == THING).any(axis=1), np.int64)


def _validation_count(wanted: Data, images: int) -> int:
    is_share = wanted.validation < 1
    count = max(1, round(wanted.validation * images)) if is_share else round(wanted.validation)
    if 0 < count <= images / 2 or (is_share and count < images):
        return count
    raise RecipeError(
        f"data.validation is {wanted.validation:g}, which holds out {count:,} of {images:,} images of {wanted.name}; "
        f"expected a fraction below 1 or a count of at most half, as with --set data.validation={max(1, images // 5)}."
    )


def _golden_image(validation: Boxes) -> NDArray[np.uint8]:
    """Return the first image that shows something (1, H, W, 1)."""
    first = int(_shows_something(validation).argmax())
    return validation.images_nhwc[first : first + 1]


def read(name: str, part: Part, root: str | Path | None) -> Boxes:
    """Read a split of a data set that is known by its name. Raises DataError."""
    if name != PAGES or part == "test":
        raise DataError(
            f"{name}: has no {part} split of images with boxes; expected folder:PATH, or {PAGES}, train or validation."
        )
    return _read_pages(part, root)


def _read_pages(part: str, root: str | Path | None) -> Boxes:
    """Read rendered pages. Those that are not trained on are drawn from other digits; they serve to choose by, so they
    are the validation split, and there is no test split."""
    pages = digit_pages.read(root, "train" if part == "train" else "test")
    what = np.where(pages.ignored, IGNORED, np.where(pages.is_digit, THING, NOTHING)).astype(np.float32)
    return Boxes(pages.images[..., None], pages.boxes, what, ("digit",))


def _path(name: str) -> Path:
    return Path(name.removeprefix(FOLDER))


def _examples(boxes: Boxes) -> Examples:
    return Examples(boxes.images_nhwc, boxes.targets_nb5(), boxes.labels, boxes.skipped)
