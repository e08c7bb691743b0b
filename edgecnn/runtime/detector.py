"""A model file that detects things in a frame of any size, and crops them for a classifier.

The file takes ``frame``, uint8 (1, H, W, 1), gray, and returns, best first, ``boxes`` float32 (M, 4): x, y, width,
height in pixels of the frame; ``scores`` float32 (M,) in 0..1; ``crops`` uint8 (M, 28, 28, 1), cut from the frame as
it came. Pyramid, peaks, merging and cropping are operators of the file, so every runtime finds the same.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import ImageInput
from edgecnn.errors import CardError
from edgecnn.runtime.image import checked_frame, to_input
from edgecnn.runtime.model import Model
from edgecnn.runtime.session import OpenModel, open_model

OUTPUTS = ("boxes", "scores", "crops")


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """What was detected in one frame, best first. ``boxes_m4`` is x, y, width, height in pixels of the frame."""

    boxes_m4: NDArray[np.float32]
    scores_m: NDArray[np.float32]
    crops_mhwc: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.scores_m)


class Detector(Model):
    """A model file that detects things in frames of any size. Make one with ``edgecnn.load_detector``."""

    TASK = "detection"

    def __init__(self, model: OpenModel) -> None:
        super().__init__(model)
        self._check_contract()

    def __repr__(self) -> str:
        return f"<Detector {self.name}: {self.card.form}, {self.provider}>"

    def detect(self, frame: NDArray[np.uint8], *, bgr: bool = False) -> Detections:
        """Detect in one frame: uint8 (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), RGB unless ``bgr``.

        Raises ImageError for anything else.
        """
        height, width = checked_frame(frame).shape[:2]
        gray_hwc = to_input(frame, ImageInput(height, width, 1), bgr=bgr)
        return Detections(*self._model.run(OUTPUTS, {"frame": gray_hwc[None]}))

    def answers(self, images_nhwc: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Return boxes and scores of one gray image (1, H, W, 1)."""
        boxes_m4, scores_m = self._model.run(OUTPUTS[:2], {"frame": images_nhwc})
        return {"boxes": boxes_m4, "scores": scores_m}

    def _check_contract(self) -> None:
        inputs = [(node.name, node.type) for node in self._session.get_inputs()]
        outputs = tuple(node.name for node in self._session.get_outputs())
        if inputs != [("frame", "tensor(uint8)")] or outputs != OUTPUTS:
            found = f"{', '.join(name for name, _ in inputs)} -> {', '.join(outputs)}"
            raise CardError(
                f"{self.name}: is no detector: it has {found}, expected frame -> {', '.join(OUTPUTS)}. "
                "A detector is exported from a recipe such as digit-finder."
            )


def load_detector(model: str | Path | bytes, *, provider: str = "cpu", threads: int | None = None) -> Detector:
    """Open a detector's file: a path, a name of the zoo such as ``digit-finder``, or the file's bytes.

    Example::

        import edgecnn
        import numpy as np

        found = edgecnn.load_detector("digit-finder").detect(np.full((240, 320), 255, np.uint8))
        print(found.boxes_m4, found.scores_m)

    Raises ModelError, CardError, ProviderError or MissingPackageError.
    """
    return Detector(open_model(model, provider=provider, thread_count=threads))
