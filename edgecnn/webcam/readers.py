"""Which reader a model gets: digits that are found in a frame, or the class of its center."""

import contextlib
from collections import deque
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import ImageInput
from edgecnn.digits.defaults import DETAIL, MIN_PROBABILITY, MIN_SCORE
from edgecnn.digits.reading import NONE, Digit, Reader, Reading, Seen, VideoReader, reads_digits
from edgecnn.digits.tracking import VOTES
from edgecnn.errors import ImageError
from edgecnn.runtime import appearance
from edgecnn.runtime.classifier import Classifier, load
from edgecnn.runtime.image import centered_window, to_input


class ReadsFrames(Protocol):
    """Reads one frame after another."""

    def read(self, frame: NDArray[np.uint8], *, bgr: bool = False) -> Reading:
        """Read one frame, uint8 (H, W, 3), RGB unless ``bgr``."""
        ...


class FrameReader:
    """Classifies the largest centered window of each frame, and averages the last frames.

    A model of digits that were drawn on one background gets of a frame that looks otherwise its ink alone, fitted and
    centered as MNIST's is: so a pen's digit on paper is read, wherever on it, and no detector can miss it.

    ``votes`` is how many frames are averaged: 1 where frames are unrelated.
    """

    def __init__(self, classifier: Classifier, *, min_probability: float, votes: int = VOTES) -> None:
        self._classifier, self._min_probability = classifier, min_probability
        self._expected = appearance.known(classifier.card) if reads_digits(classifier) else None
        self._votes: deque[NDArray[np.float32]] = deque(maxlen=votes)

    def read(self, frame: NDArray[np.uint8], *, bgr: bool = False) -> Reading:
        """Read one frame, uint8 (H, W, 3), RGB unless ``bgr``."""
        image_hwc, box = self._seen(frame, bgr)
        now_k = self._classifier.probabilities(image_hwc[None])[0]
        self._votes.append(now_k)
        voted_k = np.mean(self._votes, axis=0)
        best = int(voted_k.argmax())
        label, probability = self._classifier.labels[best], float(voted_k[best])
        accepted = label != NONE and probability >= self._min_probability
        lines = ((Digit(label, probability, box),),) if accepted else ()
        newest = int(now_k.argmax())
        seen = Seen(image_hwc, self._classifier.labels[newest], float(now_k[newest]), accepted)
        return Reading(label if accepted else "", lines, int(not accepted), (seen,))

    def _seen(self, frame: NDArray[np.uint8], bgr: bool) -> tuple[NDArray[np.uint8], tuple[float, float, float, float]]:
        """Return the image that is classified, and where in the frame it is."""
        wanted = self._classifier.card.input
        image_hwc = to_input(frame, wanted, bgr=bgr)
        if self._expected is not None and appearance.difference(image_hwc, self._expected) is not None:
            with contextlib.suppress(ImageError):  # no ink: it is classified as it is
                return appearance.ink_found(frame[..., ::-1] if bgr else frame, wanted, self._expected)
        return image_hwc, center_window(frame.shape[0], frame.shape[1], wanted)


class StillReader:
    """Reads a picture that is no frame of a video, as closely as is asked for."""

    def __init__(self, reader: Reader, detail: float) -> None:
        self._reader, self._detail = reader, detail

    def read(self, frame: NDArray[np.uint8], *, bgr: bool = False) -> Reading:
        """Read a picture, uint8 (H, W, 3), RGB unless ``bgr``."""
        return self._reader.read(frame, bgr=bgr, detail=self._detail)


def open_reader(
    model: str | Path,
    detector: str | Path,
    *,
    still: bool,
    whole: bool = False,
    min_score: float = MIN_SCORE,
    min_probability: float | None = None,
    min_confidence: float | None = None,
    detail: float = DETAIL,
    provider: str = "cpu",
    threads: int | None = None,
) -> ReadsFrames:
    """Open a model file (a path, or a name of the zoo) and what it needs to read frames.

    A model of gray digits gets the detector before it; one of color or of other things, and any where ``whole``,
    answers for the center of the frame. ``still`` pictures have no second frame to agree, and are looked at as closely
    as ``detail`` says (``Reader.read``).

    Raises ModelError, CardError or ProviderError.
    """
    classifier = load(model, provider=provider, threads=threads)
    if whole or classifier.card.input.channels == 3 or not reads_digits(classifier):
        return FrameReader(classifier, min_probability=min_probability or 0)
    reader = Reader(
        detector,
        model,
        min_score=min_score,
        min_probability=MIN_PROBABILITY if min_probability is None else min_probability,
        min_confidence=min_confidence,
        provider=provider,
        threads=threads,
    )
    return StillReader(reader, detail) if still else VideoReader(reader)


def center_window(height: int, width: int, wanted: ImageInput) -> tuple[float, float, float, float]:
    """Return the window that ``edgecnn.runtime.image`` cuts from a frame: x, y, width, height."""
    top, left, kept_h, kept_w = centered_window(height, width, wanted.height, wanted.width)
    return float(left), float(top), float(kept_w), float(kept_h)
