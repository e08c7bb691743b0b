"""A loaded model file: raw pixels in, labeled predictions out. Safe to share between threads."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn.errors import CardError, ImageError
from edgecnn.runtime.image import Frame, pixels_of, to_input
from edgecnn.runtime.model import Model
from edgecnn.runtime.session import OpenModel, open_model

UINT8 = np.dtype(np.uint8)  # made once: a comparison with the type makes it each time


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The best class of one image. ``probabilities_k`` has one entry per label, float32, and sums to one."""

    label: str
    class_id: int
    probability: float
    probabilities_k: NDArray[np.float32]

    def top(self, k: int) -> list[tuple[int, float]]:
        """Return the ``k`` best (class_id, probability), best first."""
        order = np.argsort(-self.probabilities_k, kind="stable")[: max(k, 0)]
        return [(int(index), float(self.probabilities_k[index])) for index in order]


class Classifier(Model):
    """A model file that classifies frames. Make one with ``edgecnn.load``.

    An image is answered as it would be alone, in whatever batch it comes: a form that sets the range of its activations
    over a whole batch is given one image at a time, and so is a graph that takes no more at once.
    """

    TASK = "classification"

    def __init__(self, model: OpenModel) -> None:
        super().__init__(model)
        self._one_by_one = self.card.batch_dependent or self._batch_of_file() == 1
        self._check_contract()

    def __repr__(self) -> str:
        card, threads = self.card, f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        return (
            f"<Classifier {self.name}: {card.form}, {card.input}, {len(card.labels)} labels, {self.provider}, "
            f"{threads}>"
        )

    def predict(self, frame: Frame, *, bgr: bool = False) -> Prediction:
        """Classify one frame of any size: uint8 (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), RGB unless ``bgr``; or a
        picture, as the path of a file or as PIL has it.

        Raises ImageError for anything else.
        """
        image_hwc = self._image(frame, bgr)
        return self._prediction(self._run("probabilities", image_hwc[None])[0])

    def predict_batch(self, frames: Iterable[Frame], *, bgr: bool = False) -> list[Prediction]:
        """Classify frames in one call: an array (N, H, W, C) or any iterable of frames, whose sizes may differ.

        Raises ImageError with the number of the frame, from 0, that is none.
        """
        images = []
        for number, frame in enumerate(frames):
            try:
                images.append(self._image(frame, bgr))
            except ImageError as error:
                raise ImageError(f"frame {number}: {error}") from error
        if not images:
            return []
        return [self._prediction(row_k) for row_k in self._run("probabilities", np.stack(images))]

    def probabilities(self, images_nhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return probabilities_nk of images that already have the model's size: uint8 (N, h, w, c)."""
        return self._run("probabilities", self._batch(images_nhwc))

    def logits(self, images_nhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return logits_nk of images that already have the model's size: uint8 (N, h, w, c)."""
        return self._run("logits", self._batch(images_nhwc))

    def answers(self, images_nhwc: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Return the probabilities by the name of their output."""
        return {"probabilities": self.probabilities(images_nhwc)}

    def _image(self, frame: Frame, bgr: bool) -> NDArray[np.uint8]:
        if isinstance(frame, np.ndarray):
            return to_input(frame, self.card.input, bgr=bgr)
        return to_input(pixels_of(frame), self.card.input)

    def _run(self, output: str, images_nhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
        if self._one_by_one and len(images_nhwc) > 1:
            return np.concatenate([self._run(output, image_hwc[None]) for image_hwc in images_nhwc])
        return self._model.run([output], {"image": images_nhwc})[0]

    def _batch_of_file(self) -> int | None:
        """Return the batch that a graph is fixed to, or None where it takes any, as exported files do."""
        found = [node.shape[0] for node in self._session.get_inputs() if node.shape]
        return found[0] if found and isinstance(found[0], int) else None

    def _prediction(self, probabilities_k: NDArray[np.float32]) -> Prediction:
        class_id = int(probabilities_k.argmax())
        return Prediction(self.card.labels[class_id], class_id, float(probabilities_k[class_id]), probabilities_k)

    def _batch(self, images_nhwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
        is_array = isinstance(images_nhwc, np.ndarray) and images_nhwc.dtype == UINT8
        if not is_array or images_nhwc.ndim != 4 or images_nhwc.shape[1:] != self.card.input.shape:
            found = getattr(images_nhwc, "dtype", type(images_nhwc).__name__), getattr(images_nhwc, "shape", "")
            height, width, channels = self.card.input.shape
            raise ImageError(
                f"{self.name}: takes uint8 (N, {height}, {width}, {channels}), "
                f"found {found[0]} {found[1]}. predict_batch() takes frames of any size."
            )
        return images_nhwc

    def _check_contract(self) -> None:
        inputs = [(node.name, node.type, list(node.shape[1:])) for node in self._session.get_inputs()]
        outputs = {node.name: list(node.shape[1:]) for node in self._session.get_outputs()}
        wanted = [("image", "tensor(uint8)", list(self.card.input.shape))]
        classes = len(self.card.labels)
        if inputs != wanted or outputs != {"logits": [classes], "probabilities": [classes]}:
            raise CardError(
                f"{self.name}: its card promises {wanted} -> logits and probabilities of {classes} classes, "
                f"the graph has {inputs} -> {outputs}. Export the model again."
            )
        if self._batch_of_file() not in (None, 1):
            raise CardError(
                f"{self.name}: takes {self._batch_of_file()} images at a time and no other number; expected any "
                "number, or 1. Export the model again, with a batch that is not fixed."
            )


def load(model: str | Path | bytes, *, provider: str = "cpu", threads: int | None = None) -> Classifier:
    """Open a model file (a path, a name of the zoo such as ``mnist-compact``, or the file's bytes) as a classifier.

    ``provider`` is a name of ``edgecnn list providers``, and what runs or an error; ``threads`` defaults to what the
    CPU affinity and the container's quota allow.

    Example::

        import edgecnn
        import numpy as np

        classifier = edgecnn.load("digits-int8.onnx")
        prediction = classifier.predict(np.zeros((28, 28), np.uint8))
        print(prediction.label, prediction.probability)

    Raises ModelError, CardError, ProviderError or MissingPackageError.
    """
    return Classifier(open_model(model, provider=provider, thread_count=threads))
