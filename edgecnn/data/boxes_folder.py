"""A folder of pictures with boxes, as COCO's JSON or YOLO's text files have them, as images of one size.

Its parts are folders or files named ``train``, ``val`` and ``test``, or what ``data/folder.py`` takes for these. Beside
``train`` alone, ``val`` is the test split; where there are no parts, a fifth of the pictures, always the same, is.

Pictures are scaled down to fit, never up, and what they leave of the image is gray; their boxes move along.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgecnn.boxes import MULTIPLE
from edgecnn.card import ImageInput
from edgecnn.data import boxes_coco, boxes_yolo
from edgecnn.data.boxes import IGNORED, NOTHING, THING, Boxes
from edgecnn.data.boxes_labels import Label, LabeledPicture, Labels, Part
from edgecnn.data.npz import TEST_SEED, TEST_SHARE
from edgecnn.data.parts import TEST, TRAIN, VALIDATION
from edgecnn.data.split import SHOWN, stratified
from edgecnn.errors import DataError, ImageError
from edgecnn.runtime.image import picture_size, read_image, resize, to_input

NAMES: dict[Part, tuple[str, ...]] = {"train": TRAIN, "validation": VALIDATION, "test": TEST}
LONGEST = 320  # pixels, at most where nobody says
PADDING = 127  # gray level of what a picture leaves of its image
SLACK = 0.01  # how much of a side a box may reach beyond it: labels are rounded

SplitName = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Things:
    """The one kind of thing to detect: its name, and the categories of a data set that are one."""

    name: str
    categories: tuple[str, ...]


def is_one(path: Path) -> bool:
    """Tell a folder of pictures with boxes, by COCO's JSON or by YOLO's folders or names, from one of classes."""
    return any(boxes_coco.is_one(file) for file in boxes_coco.files(path)) or boxes_yolo.is_one(path)


def read_labels(path: Path) -> Labels:
    """Read what boxes there are, without the pictures. Raises DataError."""
    if not path.is_dir():
        raise DataError(f"folder:{path}: no such folder; expected pictures with COCO JSON or YOLO text labels.")
    json_files = boxes_coco.files(path)
    found = boxes_coco.read(path, json_files, _part_of) if json_files else boxes_yolo.read(path, _part_of)
    if not found.used:
        raise DataError(
            f"folder:{path}: no boxes; expected COCO JSON (annotations/instances_train.json or the like), or pictures "
            "in images/ and a text file for each at the same place under labels/, as YOLO has them."
        )
    return _with_a_test_split(found, path)


def things_of(labels: Labels, groups: Mapping[str, Sequence[str]] | None, source: str) -> Things:
    """Return what is to be told from the rest: the only category, or the only one of its groups. Raises DataError.

    What is in no group is left out, as if it were not labeled.
    """
    if groups is None and len(labels.used) == 1:
        return Things(labels.used[0], labels.used)
    some = ", ".join(labels.used[:SHOWN]) + (", …" if labels.used[SHOWN:] else "")
    if groups is None or len(groups) != 1:
        found = f"{len(groups)} groups ({', '.join(groups)})" if groups else f"{len(labels.used)} categories ({some})"
        raise DataError(
            f"{source}: {found}, and a network of boxes knows one kind of thing. Make one of those that it is to know: "
            f"--set 'data.groups={{thing = [\"{labels.used[0]}\", …]}}'"
        )
    ((name, members),) = groups.items()
    unknown = [member for member in members if member not in labels.categories]
    if unknown:
        raise DataError(f"{source}: group '{name}' has '{unknown[0]}', which is no category; there is {some}.")
    return Things(name, tuple(members))


def things_for(labels: Labels, name: str, groups: Mapping[str, Sequence[str]] | None, source: str) -> Things:
    """Return the categories that are what ``name`` stands for. Raises DataError where there is none."""
    members = {name, *(member for group in (groups or {}).values() for member in group)}
    known = tuple(category for category in labels.categories if category in members)
    if not known:
        raise DataError(
            f"{source}: has boxes of {', '.join(labels.used[:SHOWN])}, and the model detects {name}. Name a data set "
            "with such boxes with --data."
        )
    return Things(name, known)


def shape_for(pictures: Sequence[LabeledPicture], longest: int | None) -> ImageInput:
    """Return the size of gray images that hold these pictures, scaled down to at most so many pixels on a side."""
    limit = longest or LONGEST
    sides = [scaled for scaled in (_scaled_sides(picture, limit) for picture in pictures) if scaled is not None]
    if not sides:
        raise DataError(f"none of {len(pictures)} pictures can be read, the first {pictures[0].file}.")
    height, width = (min(-(-max(side) // MULTIPLE) * MULTIPLE, limit) for side in zip(*sides, strict=True))
    return ImageInput(height, width, 1)


def read(pictures: Sequence[LabeledPicture], labels: Labels, things: Things, shape: ImageInput) -> Boxes:
    """Read pictures as images of ``shape`` with their boxes. One that cannot be read is left out and named in
    ``skipped``. Raises DataError for a box that is not on its picture, and where no picture is left."""
    wanted = {number for number, name in enumerate(labels.categories) if name in things.categories}
    images, boxes, whats, skipped, files = [], [], [], [], []
    for picture in pictures:
        try:
            pixels_hwc = read_image(picture.file)
        except ImageError as error:
            skipped.append(str(error))
            continue
        chosen = [label for label in picture.labels if label.category in wanted]
        boxes_b4 = _in_pixels(picture, chosen, *pixels_hwc.shape[:2])
        image_hwc, factor = _fitted(pixels_hwc, shape)
        images.append(image_hwc)
        files.append(str(picture.file))
        boxes.append(boxes_b4 * factor)
        whats.append([IGNORED if label.ignored else THING for label in chosen])
    if not images:
        raise DataError(f"none of {len(pictures)} pictures can be read ({(skipped or ['there is none'])[0]}).")
    return Boxes(np.stack(images), *_together(boxes, whats), (things.name,), tuple(skipped), tuple(files))


def _part_of(names: Iterable[str]) -> Part:
    found = [part for name in names for part, known in NAMES.items() if name.lower() in known]
    return found[0] if found else "all"


def _with_a_test_split(labels: Labels, path: Path) -> Labels:
    """Return the same with train and test among its parts."""
    parts = dict(labels.parts)
    together = parts.pop("all", ())
    if len(parts) > 1 and "train" in parts:
        if "test" not in parts:
            parts["test"] = parts.pop("validation")
        return Labels(labels.categories, parts)
    whole = (*together, *(picture for pictures in parts.values() for picture in pictures))
    if len(whole) < 3:
        raise DataError(f"folder:{path}: {len(whole)} pictures; expected at least 3, to train, validate and test on.")
    shows_something_n = np.array([bool(picture.labels) for picture in whole], np.int64)
    rest, test = stratified(shows_something_n, max(round(len(whole) * TEST_SHARE), 1), TEST_SEED)
    return Labels(
        labels.categories,
        {"all": whole, "train": tuple(whole[index] for index in rest), "test": tuple(whole[index] for index in test)},
    )


def _scaled_sides(picture: LabeledPicture, limit: int) -> tuple[int, int] | None:
    try:
        height, width = picture_size(picture.file)
    except ImageError:
        return None
    factor = min(1.0, limit / max(height, width))
    return round(height * factor), round(width * factor)


def _in_pixels(picture: LabeledPicture, labels: Sequence[Label], height: int, width: int) -> NDArray[np.float32]:
    """Return boxes (B, 4) in pixels of the picture, cut off at its border. Raises DataError for one outside."""
    if picture.size not in (None, (width, height)):
        raise DataError(
            f"{picture.file}: is {width}x{height}, and its labels are of a picture of {picture.size[0]}x"
            f"{picture.size[1]}. Export both again, pictures turned upright."
        )
    unit_4 = np.array([width, height, width, height] if picture.relative else [1, 1, 1, 1], np.float64)
    boxes_b4 = np.array([label.box_4 for label in labels], np.float64).reshape(-1, 4) * unit_4
    low_b2, high_b2 = boxes_b4[:, :2], boxes_b4[:, :2] + boxes_b4[:, 2:]
    sides_2 = np.array([width, height])
    slack_2 = np.maximum(sides_2 * SLACK, 1)
    inside_b = ((low_b2 >= -slack_2) & (high_b2 <= sides_2 + slack_2) & (boxes_b4[:, 2:] > 0)).all(axis=1)
    if not inside_b.all():
        wrong = int((~inside_b).argmax())
        x, y, wide, high = boxes_b4[wrong]
        raise DataError(
            f"{labels[wrong].place}: a box of {wide:.4g}x{high:.4g} pixels at x {x:.4g}, y {y:.4g} is not on the "
            f"picture {picture.file.name} of {width}x{height}. Correct it, or export the labels again."
        )
    low_b2, high_b2 = low_b2.clip(0, sides_2), high_b2.clip(0, sides_2)
    return np.concatenate((low_b2, high_b2 - low_b2), axis=1).astype(np.float32)


def _fitted(pixels_hwc: NDArray[np.uint8], shape: ImageInput) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return a picture in the upper left of an image, and the factors of its boxes."""
    height, width = pixels_hwc.shape[:2]
    factor = min(1.0, shape.height / height, shape.width / width)
    high, wide = max(1, round(height * factor)), max(1, round(width * factor))
    image_hwc = np.full(shape.shape, PADDING, np.uint8)
    image_hwc[:high, :wide] = resize(to_input(pixels_hwc, ImageInput(height, width, shape.channels)), high, wide)
    across, down = wide / width, high / height
    return image_hwc, np.array([across, down, across, down], np.float32)


def _together(
    boxes: Sequence[NDArray[np.float32]], whats: Sequence[Sequence[float]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return boxes (N, B, 4) and what they are around (N, B), NOTHING where an image has fewer than another."""
    most = max(1, *(len(what) for what in whats))
    boxes_nb4 = np.zeros((len(boxes), most, 4), np.float32)
    what_nb = np.full((len(boxes), most), NOTHING, np.float32)
    for index, (boxes_b4, what) in enumerate(zip(boxes, whats, strict=True)):
        boxes_nb4[index, : len(what)] = boxes_b4
        what_nb[index, : len(what)] = what
    return boxes_nb4, what_nb
