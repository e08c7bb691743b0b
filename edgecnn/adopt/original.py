"""The file as it came, answering arrays: what an adopted file is compared with."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgecnn import golden
from edgecnn.adopt.pictures import Taken
from edgecnn.adopt.preprocessing import Preprocessing, arrays
from edgecnn.adopt.source import Source
from edgecnn.errors import ModelError
from edgecnn.runtime.session import open_model
from edgecnn.text import shortened

BATCH = 32


class Originally(Protocol):
    """What a wrapped file is compared with."""

    def answers(self, images_nhwc: NDArray[np.uint8], done: Preprocessing) -> NDArray[np.float32]:
        """Return what it answers to images after preprocessing, a row for each."""


class Original:
    """An opened file of others, computed exactly, whatever the processor does with int8 sums."""

    def __init__(self, source: Source, taken: Taken, output: str) -> None:
        open_model(source.original)  # which says what is wrong with one that cannot be opened
        self._session = golden.exact_session(source.original, threads=1, optimized=True)
        self._name, self._taken, self._output = str(source.path), taken, output
        self._batch = taken.batch or (1 if source.batch_dependent else None)

    def answers(self, images_nhwc: NDArray[np.uint8], done: Preprocessing) -> NDArray[np.float32]:
        """Return what the output has for each image, with one row for each. Raises ModelError where it does not run."""
        parts = [self._run(part, done) for part in self._batches(images_nhwc)]
        found: NDArray[np.float32] = np.concatenate(parts)[: len(images_nhwc)].astype(np.float32)
        return found

    def _batches(self, images_nhwc: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
        """Yield as many images as the file takes at once; the last ones are filled up where it takes no fewer."""
        size = self._batch or BATCH
        for start in range(0, len(images_nhwc), size):
            part = images_nhwc[start : start + size]
            yield np.resize(part, (size, *part.shape[1:])) if self._batch else part

    def _run(self, images_nhwc: NDArray[np.uint8], done: Preprocessing) -> NDArray[Any]:
        fed = arrays(images_nhwc, self._taken, done)
        try:
            found: NDArray[Any] = self._session.run([self._output], {self._taken.name: fed})[0]
        except Exception as error:  # ONNX Runtime raises a family of its own without a common base
            raise ModelError(
                f"{self._name}: opens, but does not run on {fed.dtype} {fed.shape} "
                f"({shortened(str(error).strip(), 300)}). It cannot be adopted as it is."
            ) from error
        if found.ndim < 1 or len(found) != len(fed):
            raise ModelError(
                f"{self._name}: answers {self._output} of shape {found.shape} for {len(fed)} pictures; a classifier "
                "answers a row for each. It cannot be adopted."
            )
        return found
