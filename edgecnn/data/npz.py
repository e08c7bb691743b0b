"""Arrays in .npz files: the cache of the named data sets, and a user's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from edgecnn.data.split import Split, checked, stratified
from edgecnn.errors import DataError
from edgecnn.files import replacing
from edgecnn.runtime.memory import memory_bytes
from edgecnn.text import excerpt

Arrays = Mapping[str, NDArray[Any]]
SplitName = Literal["train", "test"]

TEST_SHARE = 0.2
TEST_SEED = 0


class NamedSet(Protocol):
    """What the module of a named data set has.

    ``FOLDER`` is its place in the data root; ``LABELS_KEY`` the array with the classes, ``NAMES`` their names;
    ``LICENCE``, where it has one, the terms that a model card repeats.
    ``fetch(root, split)`` gets a split (through a download where need be) as the arrays to be cached, and the other
    with it where they come together.
    """

    FOLDER: str
    LABELS_KEY: str
    NAMES: tuple[str, ...]

    def fetch(self, root: Path, split: SplitName) -> dict[str, Arrays]:
        """Return {"train": arrays, "test": arrays}, or the one that is asked for."""


def has(folder: Path, split: str) -> bool:
    """Tell whether a split lies in the data root."""
    return (folder / f"{split}.npz").exists()


def write(path: Path, arrays: Arrays) -> None:
    """Write arrays beside ``path`` and rename them into place."""
    with replacing(path) as partial:
        np.savez(partial, **arrays)  # type: ignore[arg-type]  # keyword arrays, not allow_pickle


def read_cached(path: Path, source: NamedSet) -> Split:
    """Read one split of a named data set from the data root."""
    arrays = _load(path, "delete it to have it made again")
    _require(arrays, ("images", source.LABELS_KEY), path)
    return Split(_with_channel(arrays["images"]), _labels(arrays[source.LABELS_KEY], path), source.NAMES)


def read_own(path: Path, split: SplitName) -> Split:
    """Read a user's .npz: ``images`` and ``labels``, or ``train_images``, ``train_labels``, ``test_images``, ….

    With one pair of arrays, a fixed stratified fifth is the test split. ``label_names`` is optional.
    """
    arrays = _load(path, "write it with numpy.savez(path, images=…, labels=…, label_names=…)")
    if "images" in arrays:
        _require(arrays, ("images", "labels"), path)
        labels = _labels(arrays["labels"], path)
        whole = Split(_with_channel(arrays["images"]), labels, _names(arrays, labels, path))
        return held_out(checked(whole, str(path)), split)
    _require(arrays, tuple(f"{part}_{what}" for part in ("train", "test") for what in ("images", "labels")), path)
    everything = np.concatenate([_labels(arrays[f"{part}_labels"], path) for part in ("train", "test")])
    names = _names(arrays, everything, path)
    return Split(_with_channel(arrays[f"{split}_images"]), _labels(arrays[f"{split}_labels"], path), names)


def held_out(whole: Split, split: SplitName) -> Split:
    """Divide a data set that came in one piece: a stratified fifth, always the same, is the test split."""
    if len(whole) < 2:
        raise DataError(f"{len(whole)} images are too few to hold out a test split; expected at least 2.")
    share, classes = round(len(whole) * TEST_SHARE), len(np.unique(whole.labels_n))
    rest, test = stratified(whole.labels_n, min(max(share, classes), len(whole) - 1), TEST_SEED)
    return whole.take(test if split == "test" else rest)


def _load(path: Path, remedy: str) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:  # numpy leaves a broken file open
            _check_size(archive)
            arrays = {name: archive[name] for name in archive.files}
            others = [name for name, found in arrays.items() if not isinstance(found, np.ndarray)]
            if others:
                raise ValueError(f"{excerpt(others[0])} in it is no array")
            return arrays
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file.") from error
    except Exception as error:  # zipfile, zlib and numpy each raise their own on a broken archive
        raise DataError(f"{path}: broken or not a .npz file ({excerpt(str(error))}); {remedy}.") from error


def _check_size(archive: Any) -> None:
    """Raise ValueError where the arrays, unpacked, are more than this machine has memory for."""
    unpacked, memory = sum(member.file_size for member in archive.zip.infolist()), memory_bytes()
    if unpacked > memory:
        raise ValueError(f"{unpacked / 1e9:,.1f} GB unpacked, this machine has {memory / 1e9:,.1f} GB of memory")


def _require(arrays: Arrays, keys: tuple[str, ...], path: Path) -> None:
    missing = [key for key in keys if key not in arrays]
    if missing:
        raise DataError(f"{path}: has arrays {', '.join(sorted(arrays))}; expected also {', '.join(missing)}.")


def _with_channel(images: NDArray[Any]) -> NDArray[Any]:
    return images[..., None] if images.ndim == 3 else images


def _labels(labels: NDArray[Any], path: Path) -> NDArray[np.int64]:
    if labels.dtype.kind not in "iu":
        raise DataError(f"{path}: labels are {labels.dtype}; expected integers 0..classes-1.")
    if labels.ndim == 0:
        raise DataError(f"{path}: labels are the single number {labels}; expected one for each image.")
    return labels.astype(np.int64)


def _names(arrays: Arrays, labels_n: NDArray[np.int64], path: Path) -> tuple[str, ...]:
    if "label_names" in arrays:
        names = tuple(str(name) for name in arrays["label_names"].ravel())
        if len(set(names)) < len(names):
            raise DataError(f"{path}: label_names has a name twice ({', '.join(names)}); expected one for each class.")
        return names
    highest = int(labels_n.max(initial=0))
    if highest >= max(len(labels_n), 1):
        raise DataError(
            f"{path}: labels go up to {highest:,}, with {len(labels_n):,} images; expected 0..classes-1, each class "
            "with images of its own. Number the classes anew, and name them with label_names."
        )
    missing = [str(number) for number in np.setdiff1d(np.arange(highest), labels_n)]
    if missing:
        raise DataError(
            f"{path}: no image of {', '.join(missing[:10])}{', …' if len(missing) > 10 else ''}; expected labels "
            "0..classes-1. Number the classes anew, or name them all with label_names."
        )
    return tuple(str(number) for number in range(highest + 1))
