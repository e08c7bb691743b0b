"""Everything about a data set that is worth knowing before it is trained on."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgecnn.data.inspected import sheets
from edgecnn.data.inspected.alike import Alike
from edgecnn.data.inspected.doubles import Doubles, Joined, doubles, joined, leaked, near, pairs
from edgecnn.data.inspected.headers import Sizes, of_entries, of_images, sizes_and_modes
from edgecnn.data.read import public_name, read_whole
from edgecnn.data.sources import listed_of, prefix_of
from edgecnn.data.split import Split
from edgecnn.data.survey import Survey, survey
from edgecnn.errors import DataError
from edgecnn.runtime.image import Header

FOLDER_SIDE = 64  # pixels to which pictures of a folder are brought to be compared and drawn
CLASSES, PAIRS = "classes.png", "doubles.png"


@dataclass(frozen=True)
class Look:
    """What a data set has. ``imbalance`` is how many training images the largest class has for each of the smallest;
    ``leaked`` counts images of test and validation that are in train too, in equal pixels or nearly; ``passed`` says
    that there are none. ``compared_at`` is the height and width that images were compared at."""

    dataset: str
    survey: Survey
    sizes: Sizes
    modes: dict[str, int]
    compared_at: tuple[int, int]
    imbalance: float
    doubles: Doubles
    leaked: int
    passed: bool
    files: tuple[Path, ...]


def look(
    dataset: str,
    output: Path | None = None,
    *,
    root: str | Path | None = None,
    on_step: Callable[[str], None] = lambda step: None,
) -> Look:
    """Look at ``dataset`` and, into the folder ``output``, draw what it has. Raises DataError."""
    if output is not None and output.exists() and not output.is_dir():
        raise DataError(f"{output}: is a file; the pictures are written into a folder.")
    on_step("reading")
    size = (FOLDER_SIDE, FOLDER_SIDE) if prefix_of(dataset) else None
    whole = read_whole(dataset, size, None, root=root)
    none = whole.train.take(np.empty(0, np.int64))
    surveyed = survey(whole, whole.train, whole.validation or none, whole.test, "none, recipes hold some of train out")
    splits = {"train": whole.train, "validation": whole.validation, "test": whole.test}
    there = {name: split for name, split in splits.items() if split is not None}
    sizes, modes = sizes_and_modes(_headers(dataset, list(there.values())))
    on_step("comparing")
    together = joined(there)
    found = near(together)
    counted = doubles(together, found, whole.train.names)
    leaks = leaked(together, found)
    on_step("drawing")
    return Look(
        dataset=public_name(dataset),
        survey=surveyed,
        sizes=sizes,
        modes=modes,
        compared_at=(together.images_nhwc.shape[1], together.images_nhwc.shape[2]),
        imbalance=_imbalance(whole.train),
        doubles=counted,
        leaked=leaks,
        passed=not leaks,
        files=_drawn(output, whole.train, together, found) if output else (),
    )


def _headers(dataset: str, splits: Sequence[Split]) -> Counter[Header]:
    listed = listed_of(dataset)
    if listed is None:
        return of_images(splits)
    read = {said for split in splits for said in split.files}
    return of_entries(entry for entry in listed.entries if entry.said in read)


def _imbalance(train: Split) -> float:
    counts = np.bincount(train.labels_n, minlength=len(train.names))
    counts = counts[counts > 0]
    return round(float(counts.max() / counts.min()), 2)


def _drawn(output: Path, train: Split, whole: Joined, found: Alike) -> tuple[Path, ...]:
    sheets.classes(output / CLASSES, train)
    (output / PAIRS).unlink(missing_ok=True)
    both = pairs(whole, found)[: sheets.MOST_PAIRS]
    if not len(both):
        return (output / CLASSES,)
    said = [
        f"{whole.split_n[one]} {train.names[whole.labels_n[one]]} / "
        f"{whole.split_n[other]} {train.names[whole.labels_n[other]]}"
        for one, other in both
    ]
    sheets.pairs(output / PAIRS, whole.images_nhwc, both, said)
    return (output / CLASSES, output / PAIRS)
