"""Read a data set by its name, from a .npz file, or from pictures: a folder or a table of them."""

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from edgecnn.card import ImageInput
from edgecnn.data import folder, listed, npz, sources
from edgecnn.data.names import normal
from edgecnn.data.npz import CachedSplit, SplitName
from edgecnn.data.parts import TEST, VALIDATION
from edgecnn.data.root import data_root
from edgecnn.data.split import Split, checked, relabeled
from edgecnn.data.whole import Left, Sources, Whole
from edgecnn.errors import DataError
from edgecnn.registry import DATASETS
from edgecnn.runtime.image import to_input
from edgecnn.text import excerpt


def is_here(name: str, root: Path, splits: tuple[SplitName, ...] = ("train", "test")) -> bool:
    """Tell whether splits of a named data set, by default both, lie in the data root, ready to be read."""
    return all(npz.has(root / _module(name).FOLDER, split) for split in splits)


def is_named(dataset: str) -> bool:
    """Tell a named data set from one of the user's own."""
    return not sources.prefix_of(dataset) and not dataset.endswith(".npz")


def public_name(dataset: str) -> str:
    """Return what a model file may say of its data set: the name, without the folders that lead to it.

    >>> public_name("folder:/home/ada/flowers"), public_name("mnist")
    ('folder:flowers', 'mnist')
    """
    if is_named(dataset):
        return dataset
    return f"{sources.prefix_of(dataset)}{sources.base_name(dataset)}"


def describe(name: str) -> str:
    """Return the first line of what a named data set says of itself."""
    return DATASETS.describe(name)


def checked_name(name: str) -> str:
    """Return the name of a data set, or raise DataError, which says what a path without a prefix is called."""
    if name not in DATASETS and (meant := sources.meant(name)):
        raise DataError(f"no data set '{excerpt(name)}'; there is such a {_kind(name)}: name it {excerpt(meant)}")
    return DATASETS.check(name)


def _kind(path: str) -> str:
    return "folder" if Path(path).is_dir() else "file"


def license_of(name: str) -> str:
    """Return under what terms a data set comes: what a named one records, else that nothing is known."""
    recorded: str = getattr(_module(name), "LICENSE", "") if name in DATASETS else ""
    return recorded or "not recorded; ask whoever made it"


def read_split(
    dataset: str,
    split: SplitName,
    *,
    root: str | Path | None = None,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
) -> Split:
    """Read a split of ``dataset``: a name, pictures such as ``folder:PATH``, or the path of a .npz file. Only those of
    the user's own may have a validation split; otherwise it is drawn from the training split.

    ``size`` (height, width) and ``channels`` (1 or 3) are what the images are brought to; without them named sets and
    .npz files keep theirs and a folder's become squares of 32 pixels. Raises DataError.
    """
    source, least = f"{dataset} ({split})", 2 if split == "train" else 1
    if (pictures := sources.listed_of(dataset)) is not None:
        return checked(listed.read(pictures, split, size, channels), dataset, least=least)
    if dataset.endswith(".npz"):
        found = npz.read_own(Path(dataset), split)
    elif split == "validation":
        raise DataError(f"{dataset}: has no validation split of its own.")
    else:
        found = _read_named(dataset, split, data_root(root))
    return brought_to(checked(found, source, least=least), size, channels)


def read_whole(
    dataset: str, size: tuple[int, int] | None, channels: int | None, *, root: str | Path | None = None
) -> Whole:
    """Read all splits at once, and of a folder or .npz file of the user's own what was left out. Raises DataError."""
    if is_named(dataset):
        train, test = (_read_named(dataset, part, data_root(root)) for part in npz.CACHED)
        whole = Whole(train, None, test, Sources("train", None, "test"), Left())
    elif (pictures := sources.listed_of(dataset)) is not None:
        whole = listed.read_whole(pictures, size, channels)
    else:
        whole = npz.read_own_whole(Path(dataset))
    train = brought_to(checked(whole.train, f"{dataset} (train)"), size, channels)
    shape = train.images_nhwc.shape
    others = [
        split and brought_to(checked(split, f"{dataset} ({name})", least=1), shape[1:3], shape[3])
        for name, split in (("validation", whole.validation), ("test", whole.test))
    ]
    return replace(whole, train=train, validation=others[0], test=others[1] or whole.test)


def read_other(
    dataset: str, labels: tuple[str, ...], *, size: tuple[int, int], channels: int, root: str | Path | None = None
) -> Split:
    """Read what a model with these labels is to be measured on, where it is not the data set that it was made from.

    That is the test split; or, of a folder or .npz without splits that lacks some of the classes or is a folder that is
    named like a test split, everything. Raises DataError.
    """
    found = _undivided(dataset, labels, size, channels)
    if found is None:
        found = read_split(dataset, "test", root=root, size=size, channels=channels)
    return relabeled(found, labels, dataset)


def _undivided(dataset: str, labels: tuple[str, ...], size: tuple[int, int], channels: int) -> Split | None:
    if dataset.startswith(sources.FOLDER):
        path = sources.path_of(dataset)
        classes = folder.classes_of_flat(path)
        is_test = path.resolve().name.lower() in (*TEST, *VALIDATION)
        if classes is not None and (is_test or _lacks(classes, labels)):
            return checked(folder.read_undivided(path, labels, size, channels), dataset, least=1)
    elif (pictures := sources.listed_of(dataset)) is not None:
        if is_taken_whole(pictures, labels):
            shape = listed.shape_of(pictures.train, size, channels)
            return checked(listed.decoded(pictures.train, pictures.names, shape, dataset), dataset, least=1)
    elif dataset.endswith(".npz"):
        found = npz.read_own_undivided(Path(dataset))
        if found is not None and _lacks(found.names, labels):
            return brought_to(found, size, channels)
    return None


def is_taken_whole(pictures: listed.Listed, labels: tuple[str, ...]) -> bool:
    """Tell pictures of another data set than a model's, which has these labels, that it is measured on all of."""
    return pictures.test is None and _lacks(pictures.names, labels)


def _lacks(names: tuple[str, ...], labels: tuple[str, ...]) -> bool:
    return bool({normal(label) for label in labels} - {normal(name) for name in names})


def _module(name: str) -> npz.NamedSet:
    return cast(npz.NamedSet, DATASETS.module(checked_name(name)))


def _read_named(name: str, split: CachedSplit, root: Path) -> Split:
    source = _module(name)
    folder_path = root / source.FOLDER
    if not npz.has(folder_path, split):
        try:
            for part, arrays in source.fetch(root, split).items():
                npz.write(folder_path / f"{part}.npz", arrays)
        except OSError as error:
            raise DataError(
                f"{name}: cannot be put into {root} ({error.strerror or error}). Name a folder that can be written to "
                "with --data-root or EDGECNN_DATA."
            ) from error
    return npz.read_cached(folder_path / f"{split}.npz", source)


def brought_to(split: Split, size: tuple[int, int] | None, channels: int | None) -> Split:
    """Return the images in a size and with so many channels, or as they are."""
    found = ImageInput(*split.images_nhwc.shape[1:])
    height, width = size or (found.height, found.width)
    wanted = ImageInput(height, width, channels or found.channels)
    if wanted == found:
        return split
    images_nhwc = np.empty((len(split), *wanted.shape), np.uint8)
    for index, image in enumerate(split.images_nhwc):
        images_nhwc[index] = to_input(image, wanted)
    return replace(split, images_nhwc=images_nhwc)
