"""The record of a data set for a model that was trained elsewhere: which images validate it, and which calibrate."""

from pathlib import Path

import numpy as np

from edgecnn.card import DatasetRecord
from edgecnn.data.read import is_named, public_name, read_split, read_whole

SHARE, MOST, SEED = 0.2, 5_000, 0  # of the training images are held out where there are no validation images


def drawn_record(
    dataset: str, *, size: tuple[int, int], channels: int, root: str | Path | None = None
) -> DatasetRecord:
    """Return how a data set is divided where no recipe says it. Raises DataError."""
    if not is_named(dataset):
        whole = read_whole(dataset, size, channels)
        if whole.validation is not None:
            return DatasetRecord(
                public_name(dataset), len(whole.train), len(whole.validation), SEED, own_validation=True
            )
        labels_n = whole.train.labels_n
    else:
        labels_n = read_split(dataset, "train", root=root).labels_n
    count = min(max(round(SHARE * len(labels_n)), len(np.unique(labels_n))), len(labels_n) // 2, MOST)
    return DatasetRecord(public_name(dataset), len(labels_n) - count, count, SEED)
