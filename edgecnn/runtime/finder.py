"""A model file that finds things in a frame of any size, and crops them for a classifier.

The file takes ``frame``, uint8 (1, H, W, 1), gray, and returns, best first, ``boxes`` float32 (M, 4): x, y, width,
height in pixels of the frame; ``scores`` float32 (M,) in 0..1; ``crops`` uint8 (M, 28, 28, 1), cut from the frame as
it came. Pyramid, peaks, merging and cropping are operators of the file, so every runtime finds the same.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import CARD_KEY, FINDER, ImageInput, ModelCard
from edgecnn.errors import CardError
from edgecnn.runtime.classifier import Classifier
from edgecnn.runtime.image import checked_frame, to_input
from edgecnn.runtime.session import OpenModel, open_model

OUTPUTS = ("boxes", "scores", "crops")


@dataclass(frozen=True, slots=True, eq=False)
class Finds:
    """What was found in one frame, best first. ``boxes_m4`` is x, y, width, height in pixels of the frame."""

    boxes_m4: NDArray[np.float32]
    scores_m: NDArray[np.float32]
    crops_mhwc: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.scores_m)


class Finder:
    """A finder file, opened. Safe to share between threads, as a Classifier is."""

    def __init__(self, model: OpenModel) -> None:
        self._model = model
        self._session = model.session
        self.name = model.name
        self.threads = model.threads
        self.provider = model.provider
        self.exact_int8 = model.exact_int8  # as a Classifier's
        self._check_contract()

    @cached_property
    def card(self) -> ModelCard:
        """What the file says of itself. Raises CardError where it has no card."""
        return ModelCard.from_metadata(self._model.metadata, source=self.name)

    def __repr__(self) -> str:
        return f"<Finder {self.name}: {self.card.form}, {self.provider}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Finder, (self._model,)

    def find(self, frame: NDArray[np.uint8], *, bgr: bool = False) -> Finds:
        """Find in one frame: uint8 (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), RGB unless ``bgr``.

        Raises ImageError for anything else.
        """
        height, width = checked_frame(frame).shape[:2]
        gray_hwc = to_input(frame, ImageInput(height, width, 1), bgr=bgr)
        return Finds(*self._model.run(OUTPUTS, {"frame": gray_hwc[None]}))

    def _check_contract(self) -> None:
        inputs = [(node.name, node.type) for node in self._session.get_inputs()]
        outputs = tuple(node.name for node in self._session.get_outputs())
        if inputs != [("frame", "tensor(uint8)")] or outputs != OUTPUTS:
            found = f"{', '.join(name for name, _ in inputs)} -> {', '.join(outputs)}"
            raise CardError(
                f"{self.name}: is no finder: it has {found}, expected frame -> {', '.join(OUTPUTS)}. "
                "A finder is exported from a recipe such as digit-finder."
            )


def load_finder(model: str | Path | bytes, *, provider: str = "cpu", threads: int | None = None) -> Finder:
    """Open a finder file: a path, a name of the zoo such as ``digit-finder``, or the file's bytes.

    Raises ModelError, CardError, ProviderError or MissingPackageError.
    """
    return Finder(open_model(model, provider=provider, thread_count=threads))


def load_either(model: str | Path | bytes, *, provider: str = "cpu", threads: int | None = None) -> Classifier | Finder:
    """Open a model file as what its card says it is. Raises as ``load_finder`` does."""
    opened = open_model(model, provider=provider, thread_count=threads)
    metadata = opened.metadata
    is_finder = CARD_KEY in metadata and ModelCard.from_metadata(metadata, source=opened.name).kind == FINDER
    return Finder(opened) if is_finder else Classifier(opened)
