"""Rendered pages in bulk: 160x160 gray, what a detector is trained on and chosen by, drawn on the spot from MNIST.

Kept as ``<root>/digit-pages/{train,test}.npz``; made anew, in minutes, where they are missing. Page number k follows
from the seed and k alone, so neither the count nor the number of processes changes it.
"""

import concurrent.futures
import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from edgecnn import progress
from edgecnn.data import npz
from edgecnn.data.root import data_root
from edgecnn.digits.pages.glyph_sources import Material, Part, read_material
from edgecnn.digits.pages.labels import CLUTTER, NOTHING
from edgecnn.errors import DataError
from edgecnn.files import temporary_folder
from edgecnn.machine import threads

if TYPE_CHECKING:
    from edgecnn.digits.pages.page import Page  # OpenCV is needed to render pages, not to read them

FOLDER = "digit-pages"
SIZE = 160
COUNTS: dict[Part, int] = {"train": 80_000, "test": 2_000}
SEEDS: dict[Part, int] = {"train": 51, "test": 52}
ENDED = (
    "a process that renders pages ended early. In a script of your own, put what calls this under "
    '`if __name__ == "__main__":`, since each process imports the script; else look for memory running out.'
)
BATCH = 50  # pages that a process renders at a time

Made = TypeVar("Made")


@dataclass(frozen=True, eq=False)
class Pages:
    """N pages with up to B things on each; see ``Page``. What is missing has label -1 and a box of zeros."""

    images: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int8]
    ignored: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def is_digit(self) -> NDArray[np.bool_]:
        """Tell which of the things, (N, B), are digits that can be read."""
        found: NDArray[np.bool_] = (self.labels >= 0) & (self.labels < CLUTTER) & ~self.ignored
        return found


def is_here(root: str | Path | None, part: Part) -> bool:
    """Tell whether these pages were rendered already."""
    return npz.has(data_root(root) / FOLDER, part)


def read(root: str | Path | None, part: Part) -> Pages:
    """Read the pages to train on or those to choose by (``test``), rendered first where the data root has none.

    Raises DataError and MissingPackageError.
    """
    path = data_root(root) / FOLDER / f"{part}.npz"
    if not path.exists():
        made = render_set(SEEDS[part], COUNTS[part], SIZE, read_material(part, root))
        try:
            npz.write(path, asdict(made))
        except OSError as error:
            raise DataError(
                f"digit-pages: cannot be put into {path.parent} ({error.strerror or error}). Name a folder that can be "
                "written to with --data-root or EDGECNN_DATA."
            ) from error
        return made
    arrays = npz.load(path, "delete it to have it made again", "pages", [field.name for field in fields(Pages)])
    return Pages(**arrays)


def render_set(seed: int, count: int, size: int, material: Material, *, workers: int | None = None) -> Pages:
    """Render ``count`` pages of ``size`` pixels per side in ``workers`` processes, by default one for each core."""
    return together(list(each_page(seed, count, size, material, _itself, workers=workers)))


def each_page(
    seed: int, count: int, size: int, material: Material, make: "Callable[[Page, np.random.Generator], Made]",
    *, workers: int | None = None,
) -> Iterator[Made]:  # fmt: skip
    """Yield in order what ``make``, a function of a module, makes of each page and the generator that drew it."""
    batches = [(seed, range(first, min(first + BATCH, count)), size, make) for first in range(0, count, BATCH)]
    processes = min(workers or threads.available(), len(batches))
    if processes <= 1:
        for batch in progress.told(batches, count):
            yield from _made(material, *batch)
        return
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise DataError(ENDED)  # this is one of the processes, importing a script that starts them: it would never end
    # Spawned, not forked: a fork of a process with torch's threads may hang. What they start from goes through a file:
    # a process that ends before it has read its pipe would leave this one waiting.
    context = multiprocessing.get_context("spawn")
    with temporary_folder("pages") as folder:
        kept = folder / "material.pickle"
        kept.write_bytes(pickle.dumps(material))
        try:
            with concurrent.futures.ProcessPoolExecutor(processes, context, _keep, (kept,)) as pool:
                for _, made in zip(progress.told(batches, count), pool.map(_made_here, batches), strict=True):
                    yield from made
        except BrokenProcessPool as error:
            raise DataError(ENDED) from error


def together(pages: "list[Page]") -> Pages:
    """Put pages of one size into arrays, padded to the most things on any."""
    most = max((len(page.labels_k) for page in pages), default=0)
    shape = (len(pages), most)
    boxes, labels = np.zeros((*shape, 4), np.float32), np.full(shape, NOTHING, np.int8)
    ignored = np.zeros(shape, bool)
    for index, page in enumerate(pages):
        things = len(page.labels_k)
        boxes[index, :things], labels[index, :things] = page.boxes_k4, page.labels_k
        ignored[index, :things] = page.ignored_k
    return Pages(np.stack([page.image_hw for page in pages]), boxes, labels, ignored)


def _itself(page: "Page", rng: np.random.Generator) -> "Page":
    return page


_Batch = tuple[int, range, int, "Callable[[Page, np.random.Generator], Made]"]
_material: list[Material] = []  # of this process, where it is one of a pool


def _keep(material: Path) -> None:
    from edgecnn.digits.pages.opencv import cv2

    cv2.setNumThreads(1)  # the processes share the cores already
    _material.append(pickle.loads(material.read_bytes()))


def _made_here(batch: "_Batch[Made]") -> list[Made]:
    return _made(_material[0], *batch)


def _made(
    material: Material, seed: int, numbers: range, size: int, make: "Callable[[Page, np.random.Generator], Made]"
) -> list[Made]:
    """Render pages by their numbers."""
    from edgecnn.digits.pages.page import render_page

    generators = [np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,))) for number in numbers]
    return [make(render_page(rng, material, size, size), rng) for rng in generators]
