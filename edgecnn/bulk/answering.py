"""A unit's pictures answered: one row a picture, in order, as the bytes of a Parquet file.

A picture that cannot be read is a row with its error. Its images, small ones, wait for each other to be classified some
at a time; encoded pictures do not, so a worker holds one of them, however large they are.
"""

import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgecnn import documents
from edgecnn.bulk.told import MOST_ERRORS, Asked, Counted
from edgecnn.bulk.units import Taken, Unit
from edgecnn.bulk.work import check_version
from edgecnn.digits.reading import Reader
from edgecnn.errors import ImageError
from edgecnn.runtime import appearance
from edgecnn.runtime.classifier import Classifier, load
from edgecnn.runtime.image import read_picture, to_input
from edgecnn.version import __version__

IMAGES_AT_ONCE = 64
COUNTED = b"edgecnn.counted"  # what a part file has of itself: its counts, as JSON
PATH, ERROR = "path", "error"


@dataclass(frozen=True)
class Job:
    """What every worker needs: the bytes of the model file and of a detector's, how to run them, and who asks."""

    asked: Asked
    model: bytes
    detector: bytes | None
    provider: str
    threads: int
    edgecnn_version: str = __version__

    @property
    def size_bytes(self) -> int:
        """The bytes of the models."""
        return len(self.model) + len(self.detector or b"")

    def with_threads(self, threads: int) -> "Job":
        """Return the same for workers with so many threads."""
        return replace(self, threads=threads)

    def opened(self) -> "Worker":
        """Open the models, in a worker."""
        return Worker(self)


class Answers(Protocol):
    """How the pictures of a unit come to rows."""

    def rows(self, pictures: Iterable[Taken]) -> Iterator[dict[str, Any]]:
        """Yield a row for each picture."""

    def types(self) -> Mapping[str, Any]:
        """Return the columns between path and error, and their types of Arrow."""


class Labels:
    """The best label of each picture, its probability, and in what the picture is unlike the model's own."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier, self._expected = classifier, appearance.known(classifier.card)

    def types(self) -> Mapping[str, Any]:
        import pyarrow as pa

        return {"label": pa.string(), "probability": pa.float32(), "unlike": pa.string()}

    def rows(self, pictures: Iterable[Taken]) -> Iterator[dict[str, Any]]:
        for some in _some(map(self._image, pictures)):
            images = [image_hwc for _, image_hwc, _ in some if image_hwc is not None]
            answers = self._answered(np.stack(images)) if images else iter(())
            for path, image_hwc, error in some:
                yield {PATH: path, ERROR: error} if image_hwc is None else {PATH: path, **next(answers)}

    def _image(self, taken: Taken) -> tuple[str, NDArray[np.uint8] | None, str | None]:
        try:
            return taken.path, to_input(_pixels(taken), self._classifier.card.input), None
        except ImageError as error:
            return taken.path, None, str(error)

    def _answered(self, images_nhwc: NDArray[np.uint8]) -> Iterator[dict[str, Any]]:
        probabilities_nk, labels = self._classifier.probabilities(images_nhwc), self._classifier.labels
        best_n, probability_n = probabilities_nk.argmax(axis=1).tolist(), probabilities_nk.max(axis=1).tolist()
        expected = self._expected
        unlike_n = appearance.differences(images_nhwc, expected) if expected else [None] * len(images_nhwc)
        for best, probability, unlike in zip(best_n, probability_n, unlike_n, strict=True):
            yield {"label": labels[best], "probability": probability, "unlike": unlike}


class Digits:
    """The digits of each picture, as text and one by one in reading order: label, probability, box (x, y, w, h)."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def types(self) -> Mapping[str, Any]:
        import pyarrow as pa

        texts, numbers = pa.list_(pa.string()), pa.list_(pa.float32())
        return {"text": pa.string(), "digits": texts, "probabilities": numbers, "boxes": pa.list_(numbers)}

    def rows(self, pictures: Iterable[Taken]) -> Iterator[dict[str, Any]]:
        for taken in pictures:
            try:
                reading = self._reader.read(_pixels(taken))
            except ImageError as error:
                yield {PATH: taken.path, ERROR: str(error)}
                continue
            yield {
                PATH: taken.path,
                "text": reading.text,
                "digits": [digit.label for digit in reading.digits],
                "probabilities": [digit.probability for digit in reading.digits],
                "boxes": [list(digit.box) for digit in reading.digits],
            }


class Worker:
    """One session, which answers one unit after the other."""

    def __init__(self, job: Job) -> None:
        check_version(job.edgecnn_version)
        self._answers = _answers(job)

    def answer(self, unit: Unit) -> bytes:
        """Return the part file of a unit, as bytes. Raises ModelError where the model does not run."""
        return as_part(list(self._answers.rows(unit.pictures())), self._answers.types())


def as_part(rows: Sequence[Mapping[str, Any]], types: Mapping[str, Any]) -> bytes:
    """Return rows as a part file, with what they come to."""
    from pyarrow import parquet

    buffer = io.BytesIO()
    parquet.write_table(_table(rows, types, _counted(rows)), buffer, compression="zstd")
    return buffer.getvalue()


def _answers(job: Job) -> Answers:
    """Open the model, to classify pictures or to read what a detector finds in them."""
    if job.detector is None:
        return Labels(load(job.model, provider=job.provider, threads=job.threads))
    return Digits(Reader(job.detector, job.model, provider=job.provider, threads=job.threads))


def _pixels(taken: Taken) -> NDArray[np.uint8]:
    if taken.content is None:
        raise ImageError(taken.error or f"{taken.path}: cannot be read.")
    return read_picture(taken.content, taken.path).pixels_hwc


def _some(items: Iterable[Any]) -> Iterator[list[Any]]:
    some: list[Any] = []
    for item in items:
        some.append(item)
        if len(some) == IMAGES_AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _counted(rows: Sequence[Mapping[str, Any]]) -> Counted:
    errors = [row[ERROR] for row in rows if row.get(ERROR)]
    labels = Counter(row["label"] for row in rows if "label" in row)
    unlike = sum(row.get("unlike") is not None for row in rows)
    return Counted(len(rows), len(errors), unlike, dict(labels.most_common()), errors[:MOST_ERRORS])


def _table(rows: Sequence[Mapping[str, Any]], types: Mapping[str, Any], counted: Counted) -> Any:
    """Return the rows as a table of Arrow, which has its counts with it."""
    import pyarrow as pa

    schema = pa.schema([(PATH, pa.string()), *types.items(), (ERROR, pa.string())])
    columns = {name: [row.get(name) for row in rows] for name in schema.names}
    columns[PATH] = [_utf8(row[PATH]) for row in rows]
    table = pa.Table.from_pydict(columns, schema=schema)
    return table.replace_schema_metadata({COUNTED: documents.to_json(counted, indent=None).encode()})


def _utf8(path: str) -> str:
    r"""Return a path as it is, but for bytes in it that are no UTF-8, as escapes.

    >>> print(_utf8("naïve.png"), _utf8("\udcff.png"))
    naïve.png \xff.png
    """
    return os.fsencode(path).decode(errors="backslashreplace")
