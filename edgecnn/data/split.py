"""One split of a data set in memory, and the ways to divide it: stratified, a subset, grouped labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import DatasetRecord
from edgecnn.data.names import normal, unlike
from edgecnn.errors import DataError

SHOWN = 10  # names in a message


@dataclass(frozen=True)
class Split:
    """Images with their classes. ``skipped`` names the files that could not be read, with the reason; ``files`` those
    that the images come from, one for each, or nothing; ``assumed`` names pictures with what reading them had
    to assume."""

    images_nhwc: NDArray[np.uint8]
    labels_n: NDArray[np.int64]
    names: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    assumed: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.labels_n)

    def take(self, indices: NDArray[np.int64]) -> "Split":
        """Return the images at ``indices``, in that order."""
        files = tuple(self.files[index] for index in indices) if self.files else ()
        return replace(self, images_nhwc=self.images_nhwc[indices], labels_n=self.labels_n[indices], files=files)


def checked(split: Split, source: str, *, least: int = 2) -> Split:
    """Return ``split`` when it can be learned from, else raise DataError that names ``source``.

    ``least`` is how many classes it has to have images of: two to learn from, one to measure on.
    """
    images, labels = split.images_nhwc, split.labels_n
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3) or 0 in images.shape[1:]:
        raise DataError(
            f"{source}: images are {images.dtype} {images.shape}, expected uint8 (N, H, W), (N, H, W, 1) or "
            "(N, H, W, 3) with pixels 0..255."
        )
    if labels.ndim != 1 or len(labels) != len(images):
        raise DataError(
            f"{source}: {len(images)} images but labels of shape {labels.shape}; expected one for each image."
        )
    outside = labels[(labels < 0) | (labels >= len(split.names))]
    if outside.size:
        raise DataError(
            f"{source}: {outside.size} labels out of range, the first {outside[0]}; expected 0..{len(split.names) - 1} "
            f"for {len(split.names)} classes."
        )
    if len(np.unique(labels)) < least:
        found = split.names[labels[0]] if len(labels) else "no image"
        raise DataError(f"{source}: only one class ({found}); a classifier needs at least two.")
    return split


def stratified(labels_n: NDArray[np.int64], count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide positions into (the rest, ``count`` of them), each class in its share, the same for the same seed.

    Every class with at least two images gets one into both parts where rounding its share up or down can give it one.
    Both results are sorted.
    Raises DataError when ``count`` leaves nothing on one side.
    """
    total = len(labels_n)
    if not 0 < count < total:
        raise DataError(f"cannot draw {count} of {total} images; expected 1..{total - 1}.")
    shuffled = np.random.default_rng(seed).permutation(total)
    chosen = np.concatenate([members[:n] for members, n in zip(*_quotas(labels_n, shuffled, count), strict=True)])
    is_chosen = np.zeros(total, dtype=bool)
    is_chosen[chosen] = True
    return np.flatnonzero(~is_chosen), np.flatnonzero(is_chosen)


def _quotas(
    labels_n: NDArray[np.int64], shuffled: NDArray[np.int64], count: int
) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """Return each class's shuffled members, and how many are drawn: shares rounded so that they sum to ``count``.

    The largest remainders are rounded up, those of classes that would have none before all others; a class that would
    leave none behind comes last.
    """
    members = [shuffled[labels_n[shuffled] == label] for label in np.unique(labels_n)]
    sizes = np.array([len(part) for part in members])
    exact = sizes * count / len(labels_n)
    quotas = np.floor(exact).astype(np.int64)
    for index in np.lexsort((quotas - exact, quotas > 0, quotas + 1 == sizes, quotas == exact))[: count - quotas.sum()]:
        quotas[index] += 1
    return members, quotas


def subset(split: Split, count: int, seed: int) -> Split:
    """Return ``count`` images in stratified shares; all of them when there are no more than that."""
    if count >= len(split):
        return split
    return split.take(stratified(split.labels_n, count, seed)[1])


def group(split: Split, groups: Mapping[str, Sequence[str]]) -> Split:
    """Join classes: ``{"loops": ["0", "6"], …}``. Images of a class in no group are left out.

    Raises DataError for a label name that the split does not have, or that two groups claim.
    """
    new_of_old = np.full(len(split.names), -1)
    names = [normal(name) for name in split.names]
    for index, (name, members) in enumerate(groups.items()):
        for member in members:
            if normal(member) not in names:
                raise DataError(
                    f"group '{name}' has '{member}', which is no label; there is {', '.join(split.names)}."
                    f"{unlike([member], split.names)}"
                )
            old = names.index(normal(member))
            if new_of_old[old] != -1:
                raise DataError(f"'{member}' is in two groups; put it in one.")
            new_of_old[old] = index
    labels = new_of_old[split.labels_n]
    kept = np.flatnonzero(labels >= 0)
    return replace(split.take(kept), labels_n=labels[kept].astype(np.int64), names=tuple(groups))


def refuse_unknown(names: Sequence[str], labels: Sequence[str], source: str) -> None:
    """Raise DataError for names that a model lacks, with what differs where that is not seen at once."""
    known = {normal(label) for label in labels}
    unknown = [name for name in names if normal(name) not in known]
    if unknown:
        hint = (
            unlike(unknown, labels) or f" It knows {', '.join(labels[:SHOWN])}{', …' if len(labels) > SHOWN else ''}."
        )
        raise DataError(
            f"{source}: has classes that the model lacks: {', '.join(unknown[:SHOWN])}"
            f"{', …' if len(unknown) > SHOWN else ''}.{hint} Name a data set of its classes with --data."
        )


def relabeled(split: Split, labels: Sequence[str], source: str) -> Split:
    """Return ``split`` with the labels of a model, which may know classes that it has no image of.

    Names that differ in the way their accents are written are the same. Raises DataError for a name that the model
    lacks.
    """
    places = {normal(label): place for place, label in enumerate(labels)}
    refuse_unknown(split.names, labels, source)
    new_of_old = np.array([places[normal(name)] for name in split.names], dtype=np.int64)
    return replace(split, labels_n=new_of_old[split.labels_n], names=tuple(labels))


def partition(train: Split, record: DatasetRecord) -> tuple[Split, Split]:
    """Draw (training, validation) from the training split again, as the record says they were drawn."""
    return divided(restricted(train, record.subset, record.groups, record.split_seed), record)


def restricted(split: Split, count: int | None, groups: Mapping[str, Sequence[str]] | None, seed: int) -> Split:
    """Return what a recipe uses of a training split: a subset of ``count`` images, its labels grouped, or all of it."""
    part = split if count is None else subset(split, count, seed)
    return part if groups is None else group(part, groups)


def divided(used: Split, record: DatasetRecord) -> tuple[Split, Split]:
    """Divide what is used of a training split into (training, validation), as the record says."""
    rest, drawn = stratified(used.labels_n, record.validation, record.split_seed)
    return used.take(rest), used.take(drawn)
