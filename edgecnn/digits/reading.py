"""What a model says of a frame: digits found, classified and voted on, or the class of the whole frame.

The finder's crops come as the camera saw them. A classifier that was trained on such crops gets them so. One that was
trained on light ink on black, as MNIST is, gets the ink alone; the golden images of its card tell which it is.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import ImageInput
from edgecnn.digits.defaults import MIN_PROBABILITY, MIN_SCORE
from edgecnn.digits.order import reading_order, text_of
from edgecnn.digits.parts import parts
from edgecnn.digits.tracking import VOTES, Tracker
from edgecnn.errors import ModelError, SourceError
from edgecnn.runtime.classifier import Classifier, load
from edgecnn.runtime.finder import Finder, Finds, load_finder
from edgecnn.runtime.image import centred_window, to_input

Pixels = NDArray[np.uint8]

NONE = "none"  # the label of what is no digit
DIGITS = frozenset("0123456789")
INK_FROM, INK_TO = 0.15, 0.85  # of the strongest contrast in a crop: paper below, ink above
LEAST_CONTRAST = 30  # gray levels; a crop of nothing stays nothing


@dataclass(frozen=True, slots=True)
class Digit:
    """What is read at one place. ``box`` is x, y, width, height in pixels of the frame."""

    label: str
    probability: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A crop as the network saw it, uint8 (h, w, c), what it says of this one alone, and whether that is a digit."""

    crop_hwc: Pixels
    label: str
    probability: float
    accepted: bool


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One frame read: ``digits`` in reading order, ``rejected`` finds that are no digit, all crops of this frame.

    ``text`` has a newline between lines, and a space where a gap is wider than one and a half digits.
    """

    text: str
    digits: tuple[Digit, ...]
    rejected: int
    seen: tuple[Seen, ...]


class Reader(Protocol):
    """Reads one frame after another, and remembers the last ones."""

    def read(self, frame_bgr: Pixels) -> Reading:
        """Read one frame, uint8 (H, W, 3)."""
        ...


class DigitReader:
    """Finds digits, classifies all crops in one batch, and lets each digit's last frames vote.

    ``shown_after`` is how many of the last three frames must have seen a digit: 2 in a video, 1 in a still picture.
    Raises ModelError when the classifier's labels are no digits.
    """

    def __init__(
        self, finder: Finder, classifier: Classifier, *, min_score: float, min_probability: float, shown_after: int
    ) -> None:
        _check_digits(classifier)
        self._finder, self._classifier = finder, classifier
        self._min_score, self._min_probability, self._shown_after = min_score, min_probability, shown_after
        self._labels = classifier.labels
        self._is_digit_k = np.array([label != NONE for label in self._labels])
        self._wants_ink = wants_ink(classifier)
        self._tracker = Tracker(len(self._labels))

    def read(self, frame_bgr: Pixels) -> Reading:
        """Read one frame, uint8 (H, W, 3). Raises SourceError for a frame that the finder does not take."""
        finds = self._find(frame_bgr)
        good = finds.scores_m >= self._min_score
        boxes_m4, images_mhwc = finds.boxes_m4[good], self._images(finds.crops_mhwc[good])
        probabilities_mk = self._classified(images_mhwc)
        accepted_m = self._accepted(probabilities_mk)
        sure_m = finds.scores_m[good] * probabilities_mk.max(axis=1) * accepted_m
        whole_m = ~parts(boxes_m4, sure_m, probabilities_mk.argmax(axis=1))
        track_m = self._tracker.update(boxes_m4[whole_m], probabilities_mk[whole_m])
        voted_tk = self._tracker.probabilities_tk
        accepted_t = self._accepted(voted_tk)
        shown_t = np.flatnonzero(accepted_t & (self._tracker.seen_t >= self._shown_after))
        text, digits = self._in_order(self._tracker.boxes_t4[shown_t], voted_tk[shown_t])
        rejected = len(finds) - int(accepted_t[track_m].sum())
        return Reading(text, digits, rejected, self._seen(images_mhwc, probabilities_mk, accepted_m & whole_m))

    def _find(self, frame_bgr: Pixels) -> Finds:
        try:
            return self._finder.find(frame_bgr, bgr=True)
        except ModelError as error:
            height, width = frame_bgr.shape[:2]
            raise SourceError(
                f"a frame of {width}x{height} pixels: the finder does not take it ({error}). Expected the size of a "
                "photograph or a camera's frame."
            ) from error

    def _images(self, crops_mhwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the crops as the classifier takes them."""
        if not len(crops_mhwc):
            return crops_mhwc
        crops, wanted = ink(crops_mhwc) if self._wants_ink else crops_mhwc, self._classifier.card.input
        if crops.shape[1:] == wanted.shape:
            return crops
        return np.stack([to_input(crop, wanted) for crop in crops])

    def _classified(self, images_mhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
        if not len(images_mhwc):
            return np.zeros((0, len(self._labels)), np.float32)
        return self._classifier.probabilities(images_mhwc)

    def _accepted(self, probabilities_nk: NDArray[np.float32]) -> NDArray[np.bool_]:
        best = probabilities_nk.argmax(axis=1)
        result: NDArray[np.bool_] = self._is_digit_k[best] & (probabilities_nk.max(axis=1) >= self._min_probability)
        return result

    def _in_order(
        self, boxes_n4: NDArray[np.float32], probabilities_nk: NDArray[np.float32]
    ) -> tuple[str, tuple[Digit, ...]]:
        labels = [self._labels[best] for best in probabilities_nk.argmax(axis=1)]
        lines = reading_order(boxes_n4)
        best_n = probabilities_nk.max(axis=1)
        digits = tuple(
            Digit(labels[index], float(best_n[index]), tuple(map(float, boxes_n4[index])))  # type: ignore[arg-type]
            for line in lines
            for index in line
        )
        return text_of(labels, boxes_n4, lines), digits

    def _seen(
        self, images_mhwc: NDArray[np.uint8], probabilities_mk: NDArray[np.float32], accepted_m: NDArray[np.bool_]
    ) -> tuple[Seen, ...]:
        best = probabilities_mk.argmax(axis=1)
        return tuple(
            Seen(image, self._labels[index], float(row_k[index]), bool(is_digit))
            for image, row_k, index, is_digit in zip(images_mhwc, probabilities_mk, best, accepted_m, strict=True)
        )


class FrameReader:
    """Classifies the largest centred window of each frame, and averages the last frames.

    ``votes`` is how many frames are averaged: 1 where frames are unrelated.
    """

    def __init__(self, classifier: Classifier, *, min_probability: float, votes: int = VOTES) -> None:
        self._classifier, self._min_probability = classifier, min_probability
        self._votes: deque[NDArray[np.float32]] = deque(maxlen=votes)

    def read(self, frame_bgr: Pixels) -> Reading:
        """Read one frame, uint8 (H, W, 3)."""
        image_hwc = to_input(frame_bgr, self._classifier.card.input, bgr=True)
        now_k = self._classifier.probabilities(image_hwc[None])[0]
        self._votes.append(now_k)
        voted_k = np.mean(self._votes, axis=0)
        best = int(voted_k.argmax())
        label, probability = self._classifier.labels[best], float(voted_k[best])
        accepted = label != NONE and probability >= self._min_probability
        box = centre_window(frame_bgr.shape[0], frame_bgr.shape[1], self._classifier.card.input)
        digits = (Digit(label, probability, box),) if accepted else ()
        newest = int(now_k.argmax())
        seen = Seen(image_hwc, self._classifier.labels[newest], float(now_k[newest]), accepted)
        return Reading(label if accepted else "", digits, int(not accepted), (seen,))


def open_reader(
    model: str | Path,
    finder: str | Path,
    *,
    still: bool,
    whole: bool = False,
    min_score: float = MIN_SCORE,
    min_probability: float | None = None,
    provider: str = "cpu",
    threads: int | None = None,
) -> Reader:
    """Open a model file (a path, or a name of the zoo) and what it needs to read frames.

    A model of gray digits gets the finder before it; one of colour or of other things, and any where ``whole``, answers
    for the centre of the frame. ``still`` pictures have no second frame to agree. Raises ModelError, CardError or
    ProviderError.
    """
    classifier = load(model, provider=provider, threads=threads)
    if whole or classifier.card.input.channels == 3 or not reads_digits(classifier):
        return FrameReader(classifier, min_probability=min_probability or 0)
    return DigitReader(
        load_finder(finder, provider=provider, threads=threads),
        # ONNX Runtime's threads spin after a call: a second pool would take the cores from the finder's.
        load(model, provider=provider, threads=1),
        min_score=min_score,
        min_probability=MIN_PROBABILITY if min_probability is None else min_probability,
        shown_after=1 if still else 2,
    )


def centre_window(height: int, width: int, wanted: ImageInput) -> tuple[float, float, float, float]:
    """Return the window that ``edgecnn.runtime.image`` cuts from a frame: x, y, width, height."""
    top, left, kept_h, kept_w = centred_window(height, width, wanted.height, wanted.width)
    return float(left), float(top), float(kept_w), float(kept_h)


def wants_ink(classifier: Classifier) -> bool:
    """Tell whether a classifier knows light ink on black alone: the borders of its golden images are black."""
    return all(not np.median(_border(image[None])) for image in classifier.card.golden.images_nhwc)


def ink(crops_mhwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn crops of ink on any paper, dark or light, into light ink on black: how far each pixel is from the paper."""
    values = crops_mhwc.astype(np.float32)
    paper_m = np.median(_border(crops_mhwc), axis=1).astype(np.float32)[:, None, None, None]
    contrast = np.abs(values - paper_m)
    strongest = np.maximum(contrast.max(axis=(1, 2, 3), keepdims=True), LEAST_CONTRAST)
    share = (contrast / strongest - INK_FROM) / (INK_TO - INK_FROM)
    result: NDArray[np.uint8] = (share.clip(0, 1) * 255 + 0.5).astype(np.uint8)
    return result


def _border(images_nhwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the outermost pixels of each image, (N, pixels)."""
    sides: Iterable[NDArray[np.uint8]] = (
        images_nhwc[:, 0], images_nhwc[:, -1], images_nhwc[:, 1:-1, 0], images_nhwc[:, 1:-1, -1],
    )  # fmt: skip
    return np.concatenate([side.reshape(len(images_nhwc), -1) for side in sides], axis=1)


def reads_digits(classifier: Classifier) -> bool:
    """Tell whether a classifier's labels are digits, and perhaps what is none."""
    return set(classifier.labels) <= DIGITS | {NONE}


def _check_digits(classifier: Classifier) -> None:
    others = [label for label in classifier.labels if label not in DIGITS | {NONE}]
    if others:
        shown = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
        raise ModelError(
            f"{classifier.card.name}: reads {shown}, and what is found in a frame are digits. "
            "Give a model with the labels 0 to 9, or classify the whole frame with --whole."
        )
