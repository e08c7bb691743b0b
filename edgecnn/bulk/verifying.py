"""Two model files on a test set that memory has no room for: Ray's workers answer it, and ``verify`` compares.

Pictures stay in their archives and row groups. A worker reads some thousand of them, a batch at a time, and sends back
what it read and the logits of both models. These are all that this process holds of a set, 8 bytes a picture and class
beside its name; figures and verdicts are made of them by the code that makes them of images in memory.
"""

import contextlib
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn import progress, zoo
from edgecnn.bulk import ray_pool
from edgecnn.bulk.ray_pool import TRIES, Lost
from edgecnn.bulk.work import check_version
from edgecnn.card import ImageInput
from edgecnn.contender import BATCH, ClassifierContender, is_checkpoint, open_classifier
from edgecnn.data import stores
from edgecnn.data.listed import Entries, Entry, Found, Listed
from edgecnn.data.read import is_taken_whole
from edgecnn.data.sources import ANYWHERE, listed_of, location_of, prefix_of
from edgecnn.data.split import checked, refuse_unknown, relabeled
from edgecnn.errors import DataError, DeviceError, EdgecnnError, Interrupted, check_installed
from edgecnn.ray_engine import HERE, check_place
from edgecnn.runtime.classifier import load
from edgecnn.verify.apart import Apart
from edgecnn.verify.by_part import parts_of
from edgecnn.verify.compare import Comparison, check_names, check_same_input, compare_answered, is_other, where
from edgecnn.version import __version__

PICTURES_A_UNIT = 2_000  # at most
STAND_IN = np.zeros((1, 1, 1), np.uint8)  # for the pixels of a picture that was answered
TEST = "test"


@dataclass(frozen=True)
class Some:
    """Pictures that follow each other in an archive or a row group; ``number`` is their place among all such."""

    number: int
    entries: Entries

    @property
    def said(self) -> str:
        """What messages call them."""
        first, *others = self.entries
        return f"{first.said} and {len(others):,} more" if others else first.said


@dataclass(frozen=True, eq=False)
class Answers:
    """What was read of some pictures, without their pixels, and the logits_nk of both models."""

    found: Found
    logits: tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class Both:
    """What every worker needs: the bytes of both model files, and the input that they share."""

    models: tuple[bytes, bytes]
    input: ImageInput
    threads: int = 1
    edgecnn_version: str = __version__

    @property
    def size_bytes(self) -> int:
        """The bytes of the models."""
        return sum(map(len, self.models))

    def with_threads(self, threads: int) -> "Both":
        """Return the same for workers with so many threads."""
        return replace(self, threads=threads)

    def opened(self) -> "Verifier":
        """Open the models, in a worker."""
        return Verifier(self)


class Verifier:
    """Two sessions, which answer the same pictures."""

    def __init__(self, both: Both) -> None:
        check_version(both.edgecnn_version)
        self._classifiers, self._input = [load(model, threads=both.threads) for model in both.models], both.input

    def answer(self, some: Some) -> Answers:
        """Read pictures and answer them, a batch at a time.

        Raises DataError where they lie elsewhere and are not reached, ModelError where a model does not run.
        """
        found = Found()
        batches = [self._answered(some.entries[at : at + BATCH], found) for at in range(0, len(some.entries), BATCH)]
        first, second = (np.concatenate(rows) for rows in zip(*batches, strict=True))
        return Answers(found, (first, second))

    def _answered(self, entries: Sequence[Entry], found: Found) -> list[NDArray[np.float32]]:
        read = (found.read(entry, self._input) for entry in entries)
        images = [image_hwc for image_hwc in read if image_hwc is not None]
        found.images += [STAND_IN] * len(images)
        if not images:
            return [np.empty((0, len(each.labels)), np.float32) for each in self._classifiers]
        images_nhwc = np.stack(images)
        return [each.logits(images_nhwc) for each in self._classifiers]


def verify_bulk(
    reference: str | Path,
    candidate: str | Path,
    dataset: str,
    *,
    on: str = HERE,
    max_drop_pp: float = 0.5,
    max_class_drop_pp: float | None = None,
    slices: str | Path | None = None,
    max_slice_drop_pp: float | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Comparison:
    """Compare two model files that classify on the test split of ``dataset``, as ``edgecnn.verify`` does; but Ray's
    workers answer, and no more than the answers is held in memory.

    ``dataset`` is ``tar:`` or ``parquet:`` with a path or an address, ``on`` is ``ray``, all cores of this machine, or
    ``ray://HOST:PORT``. ``stopped`` is asked now and then; nothing is kept of a comparison that was stopped.

    Raises DataError for pictures that cannot be read or have other labels, DeviceError where Ray does not start or some
    pictures kill every worker, Interrupted, and what opening the models raises.
    """
    check_place(on)
    check_installed("ray")
    began, apart = time.perf_counter(), Apart(max_class_drop_pp, slices, max_slice_drop_pp)
    apart.check()
    first, second = _opened(reference), _opened(candidate)
    check_same_input(first, second)
    check_names(second, first.labels, dataset)
    pictures = listed(dataset)
    units = list(cut(measured_entries(pictures, first)))
    both = Both((first.file.read_bytes(), second.file.read_bytes()), first.input)
    with ray_pool.answering(on, both, units) as (_, pool), contextlib.closing(pool.answers(stopped)) as found:
        answers = all_of((came for _, came in zip(progress.told(units), found, strict=False)), units, on)
    result = compared(first, second, pictures, answers, max_drop_pp=max_drop_pp, apart=apart)
    return replace(result, seconds=time.perf_counter() - began)


def listed(dataset: str) -> Listed:
    """List the pictures of archives or tables, as workers find them wherever they were started. Raises DataError."""
    prefix = prefix_of(dataset)
    if prefix not in ANYWHERE:
        raise DataError(
            f"{dataset}: workers read archives and tables alone; expected tar:PATH or parquet:PATH. Leave out --on."
        )
    found = listed_of(f"{prefix}{stores.absolute(location_of(dataset))}")
    assert found is not None
    return replace(found, dataset=dataset)


def measured_entries(pictures: Listed, reference: ClassifierContender) -> Entries:
    """Return the pictures that ``verify`` would take. Raises DataError where that is not known before all are read."""
    record, name = reference.dataset, pictures.dataset
    if record.groups is not None:
        raise DataError(f"{reference.name}: its classes are groups of those of {name}. Leave out --on.")
    refuse_unknown(pictures.names, reference.labels, name)
    if pictures.test is not None:
        return pictures.test
    if record.is_known and is_other(record, name) and is_taken_whole(pictures, reference.labels):
        return pictures.train
    raise DataError(
        f"{name}: has no test split of its own, and which fifth is held out is known once all pictures are read. "
        "Bring the splits (train and test in the names of files), or leave out --on."
    )


def cut(entries: Entries, most: int = PICTURES_A_UNIT) -> Iterator[Some]:
    """Yield pictures in order, some at a time, of one archive or row group each."""
    number = itertools.count()
    for _, together in itertools.groupby(entries, _unit):
        while some := tuple(itertools.islice(together, most)):
            yield Some(next(number), some)


def compared(
    reference: ClassifierContender,
    candidate: ClassifierContender,
    pictures: Listed,
    answers: Iterable[Answers],
    *,
    max_drop_pp: float,
    apart: Apart,
) -> Comparison:
    """Compare what two classifiers answered, in the order of the pictures."""
    found, logits, dataset = Found(), list[tuple[NDArray[np.float32], NDArray[np.float32]]](), pictures.dataset
    for some in answers:
        found.extend(some.found)
        logits.append(some.logits)
    split = checked(found.split(pictures.names, dataset), dataset, least=1)
    split = relabeled(split, reference.labels, dataset)
    first_nk, second_nk = (np.concatenate(rows) for rows in zip(*logits, strict=True))
    return compare_answered(
        (reference, first_nk),
        (candidate, second_nk),
        split,
        dataset=dataset,
        split_name=TEST,
        max_drop_pp=max_drop_pp,
        apart=apart,
        parts=parts_of(apart, split, where(TEST, dataset)),
    )


def _opened(model: str | Path) -> ClassifierContender:
    """Open a model file here, so that what is wrong with it is said before anything is started."""
    if zoo.is_module(str(model)) or is_checkpoint(model):
        raise EdgecnnError(
            f"{model}: workers open model files alone; expected FILE.onnx, or a name of edgecnn list models. Export it "
            "first: edgecnn export RUN"
        )
    return open_classifier(model, threads=1)


def all_of(found: Iterable[tuple[Some, Answers | Lost]], units: Sequence[Some], on: str) -> list[Answers]:
    """Return the answers to all units, in their order. Raises DeviceError where some have none, and Interrupted."""
    answers: dict[int, Answers] = {}
    for some, came in found:
        if isinstance(came, Lost):
            raise DeviceError(
                f"{on}: {some.said} could not be answered: its worker died {TRIES} times. A picture there crashes a "
                "decoder, or needs more memory than there is. Nothing was compared."
            )
        answers[some.number] = came
    if len(answers) < len(units):
        raise Interrupted(f"stopped: {len(answers):,} of {len(units):,} parts were answered, and nothing is kept.")
    return [answers[some.number] for some in units]


def _unit(entry: Entry) -> object:
    picture = entry.picture
    return None if isinstance(picture, Path | bytes) else picture.unit
