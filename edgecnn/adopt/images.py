"""The images that an adopted file is compared on and known by: of a data set, or made up where nobody named one."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn import data
from edgecnn.adopt import pool
from edgecnn.card import UNKNOWN_DATASET, Appearance, DatasetRecord, ImageInput
from edgecnn.data import Split
from edgecnn.runtime.appearance import measured
from edgecnn.verify.compare import read_for

PARITY = 1_000  # images that both are run on, at most


@dataclass(frozen=True, eq=False)
class Images:
    """``parity_nhwc`` are what both files are run on, from ``source``; ``test`` and ``validation`` are those of the
    data set, None where there is none."""

    parity_nhwc: NDArray[np.uint8]
    source: str
    record: DatasetRecord
    test: Split | None = None
    validation: Split | None = None
    appearance: Appearance | None = None


def images_for(labels: tuple[str, ...], wanted: ImageInput, dataset: str | None, root: str | Path | None) -> Images:
    """Read the images of a data set, whose classes have to be among the labels. Raises DataError."""
    if dataset is None:
        return Images(pool.pictures(wanted), pool.SOURCE, UNKNOWN_DATASET)
    record = data.drawn_record(dataset, size=wanted.shape[:2], channels=wanted.channels, root=root)
    test = read_for(record, wanted.shape, "test", dataset=dataset, root=root, labels=labels)
    validation = read_for(record, wanted.shape, "validation", dataset=dataset, root=root, labels=labels)
    chosen = np.linspace(0, len(test) - 1, min(PARITY, len(test))).astype(np.int64)
    return Images(
        parity_nhwc=test.images_nhwc[chosen],
        source=f"{record.name} test split",
        record=record,
        test=test,
        validation=validation,
        appearance=measured(validation.images_nhwc),
    )
