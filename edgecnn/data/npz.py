"""Arrays in .npz files: the cache of the named data sets, and a user's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from edgecnn.data.names import alike, normal
from edgecnn.data.split import SHOWN, Split, checked, stratified
from edgecnn.data.whole import HELD_OUT, Left, Sources, Whole
from edgecnn.errors import DataError
from edgecnn.files import replacing, stand_in
from edgecnn.runtime.memory import memory_bytes
from edgecnn.text import excerpt

Arrays = Mapping[str, NDArray[Any]]
SplitName = Literal["train", "validation", "test"]
CachedSplit = Literal["train", "test"]
CACHED: tuple[CachedSplit, CachedSplit] = ("train", "test")

TEST_SHARE = 0.2
TEST_SEED = 0
VALIDATION = ("val", "valid", "validation")


class NamedSet(Protocol):
    """What the module of a named data set has.

    ``FOLDER`` is its place in the data root; ``LABELS_KEY`` the array with the classes, ``NAMES`` their names;
    ``LICENSE``, where it has one, the terms that a model card repeats.
    ``fetch(root, split)`` gets a split (through a download where need be) as the arrays to be cached, and the other
    with it where they come together.
    """

    FOLDER: str
    LABELS_KEY: str
    NAMES: tuple[str, ...]

    def fetch(self, root: Path, split: CachedSplit) -> dict[str, Arrays]:
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
    arrays = load(path, "delete it to have it made again")
    _require(arrays, ("images", source.LABELS_KEY), path)
    return Split(_with_channel(arrays["images"]), _labels(arrays[source.LABELS_KEY], path), source.NAMES)


def read_own(path: Path, split: SplitName) -> Split:
    """Read a user's .npz: ``images`` and ``labels``, or ``train_images``, ``train_labels``, ``test_images``, ….

    With one pair of arrays, a fixed stratified fifth is the test split. ``label_names`` is optional, and so are
    ``val_images`` and ``val_labels``, the validation split.
    """
    whole = read_own_whole(path)
    found = {"train": whole.train, "validation": whole.validation, "test": whole.test}[split]
    if found is None:
        raise DataError(f"{path}: has no validation split of its own (val_images and val_labels).")
    return found


def read_own_whole(path: Path) -> Whole:
    """Read all splits of a user's .npz at once."""
    arrays = load(path, "write it with numpy.savez(path, images=…, labels=…, label_names=…)")
    if "images" in arrays:
        whole = checked(_only(arrays, path), str(path))
        parts = [held_out(whole, part, str(path)) for part in ("train", "test")]
        left = Left(unread=tuple(sorted(set(arrays) - {"images", "labels", "label_names"})))
        return Whole(parts[0], None, parts[1], Sources("images", None, HELD_OUT), left)
    own = next((name for name in VALIDATION if f"{name}_images" in arrays), None)
    parts_there = ("train", own, "test") if own else ("train", "test")
    _require(arrays, tuple(f"{part}_{what}" for part in parts_there for what in ("images", "labels")), path)
    labels = {part: _labels(arrays[f"{part}_labels"], path) for part in parts_there}
    names = _names(arrays, np.concatenate([found.ravel() for found in labels.values()]), path)
    splits = {part: Split(_with_channel(arrays[f"{part}_images"]), labels[part], names) for part in parts_there}
    read = {f"{part}_{what}" for part in parts_there for what in ("images", "labels")} | {"label_names"}
    sources = Sources("train_images", f"{own}_images" if own else None, "test_images")
    left = Left(unread=tuple(sorted(set(arrays) - read)))
    return Whole(splits["train"], splits[own] if own else None, splits["test"], sources, left)


def read_own_undivided(path: Path) -> Split | None:
    """Read a .npz that has one pair of arrays as one split; None where it has several."""
    arrays = load(path, "write it with numpy.savez(path, images=…, labels=…, label_names=…)")
    return checked(_only(arrays, path), str(path), least=1) if "images" in arrays else None


def _only(arrays: Arrays, path: Path) -> Split:
    _require(arrays, ("images", "labels"), path)
    labels = _labels(arrays["labels"], path)
    return Split(_with_channel(arrays["images"]), labels, _names(arrays, labels, path))


def held_out(whole: Split, split: str, source: str) -> Split:
    """Divide a data set that came in one piece: a stratified fifth, always the same, is the test split.

    Raises DataError where that leaves a class without an image to learn from.
    """
    if len(whole) < 2:
        raise DataError(f"{len(whole)} images are too few to hold out a test split; expected at least 2.")
    share, classes = round(len(whole) * TEST_SHARE), len(np.unique(whole.labels_n))
    rest, test = stratified(whole.labels_n, min(max(share, classes), len(whole) - 1), TEST_SEED)
    lost = [whole.names[label] for label in np.setdiff1d(whole.labels_n, whole.labels_n[rest])]
    if lost:
        raise DataError(
            f"{source}: {len(whole)} images of {classes} classes, and with a fifth held out as the test split none of "
            f"{', '.join(lost[:SHOWN])} is left to learn from; expected at least 3 a class: to learn from, to choose "
            "by and to test on. Add some, or bring the splits yourself (train and test)."
        )
    return whole.take(test if split == "test" else rest)


def load(path: Path, remedy: str, what: str = "a .npz file", names: Sequence[str] = ()) -> dict[str, NDArray[Any]]:
    """Read the arrays of a .npz file, or those of these ``names``. Raises DataError with ``remedy``."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:  # numpy leaves a broken file open
            _check_size(archive)
            arrays = {name: archive[name] for name in names or archive.files}
            others = [name for name, found in arrays.items() if not isinstance(found, np.ndarray)]
            if others:
                raise ValueError(f"{excerpt(others[0])} in it is no array")
            return arrays
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file.") from error
    except Exception as error:  # zipfile, zlib and numpy each raise their own on a broken archive
        raise DataError(f"{path}: broken or not {what} ({excerpt(str(error))}); {remedy}.{stand_in(path)}") from error


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
        if len({normal(name) for name in names}) < len(names):
            raise DataError(
                f"{path}: label_names has a name twice ({', '.join(names)}); expected one for each class. "
                f"{' '.join(alike(names))}".rstrip()
            )
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
