"""A frame read: digits detected, all crops classified in one batch, and what is accepted put into reading order, with
the points, commas, colons and minuses between.

A picture by itself is looked at as closely as it is large (``looks.py``); of a video each frame is looked at once.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import ImageInput
from edgecnn.digits.defaults import (
    DETAIL,
    MIN_CONFIDENCE,
    MIN_CONFIDENCE_ALWAYS_A_DIGIT,
    MIN_PROBABILITY,
    MIN_SCORE,
)
from edgecnn.digits.ink import ink_alone, wants_ink
from edgecnn.digits.lettering import in_words
from edgecnn.digits.looks import Found, detect
from edgecnn.digits.nested import parts
from edgecnn.digits.order import reading_order, text_of
from edgecnn.digits.signs import BLANK, Gap, Mark, Memory, Sign, gaps_of, placed, read_signs
from edgecnn.digits.tracking import Tracker
from edgecnn.errors import ModelError, SourceError
from edgecnn.runtime.classifier import Classifier, load
from edgecnn.runtime.detector import Detector, load_detector
from edgecnn.runtime.image import Frame, checked_frame, pixels_of, to_input

NONE = "none"  # the label of what is no digit
DIGITS = frozenset("0123456789")
SHOWN_AFTER = 2  # frames, of the last three


@dataclass(frozen=True, slots=True)
class Digit:
    """What is read at one place. ``box`` is x, y, width, height in pixels of the frame."""

    label: str
    probability: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A crop as the network saw it, uint8 (h, w, c), what it says of this one alone, and whether that is a digit."""

    crop_hwc: NDArray[np.uint8]
    label: str
    probability: float
    accepted: bool


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One frame read: its text, lines of digits in reading order, how many detections are no digit, all crops.

    ``text`` has a newline between lines, a space where a gap is wider than one and a half digits, or empty and wider
    than others of its line, and the ``signs``:
    points, commas, colons and minuses, each with its box and ``before``, the place in ``digits`` of the one after it.
    """

    text: str
    lines: tuple[tuple[Digit, ...], ...]
    rejected: int
    seen: tuple[Seen, ...]
    signs: tuple[Sign, ...] = ()

    @property
    def digits(self) -> tuple[Digit, ...]:
        """The digits of all lines, in reading order."""
        return tuple(itertools.chain.from_iterable(self.lines))


@dataclass(frozen=True)
class Before:
    """What the frames before one have shown: digits, and the signs between them."""

    digits: Tracker
    signs: Memory = field(default_factory=Memory)


class Reader:
    """Detects digits, classifies all crops in one batch, and reads each frame by itself. Safe to share between threads.

    ``detector`` and ``classifier`` are each a path, a name of the zoo, a file's bytes, or a model that is open already.
    Detections that the detector gives less than ``min_score``, digits that the classifier gives less than
    ``min_probability``, and what has less than ``min_confidence`` as the product of both, are rejected; unless given,
    that is 0.22, and 0.4 where the classifier has no class ``none``. Raises ModelError when the classifier's labels are
    no digits; else as ``edgecnn.load``.
    """

    def __init__(
        self,
        detector: Detector | str | Path | bytes,
        classifier: Classifier | str | Path | bytes,
        *,
        min_score: float = MIN_SCORE,
        min_probability: float = MIN_PROBABILITY,
        min_confidence: float | None = None,
        provider: str = "cpu",
        threads: int | None = None,
    ) -> None:
        if not isinstance(detector, Detector):
            detector = load_detector(detector, provider=provider, threads=threads)
        if not isinstance(classifier, Classifier):
            # ONNX Runtime's threads spin after a call: a second pool would take the cores from the detector's.
            classifier = load(classifier, provider=provider, threads=1)
        _check_digits(classifier)
        self._detector, self._classifier = detector, classifier
        if min_confidence is None:
            min_confidence = MIN_CONFIDENCE if NONE in classifier.labels else MIN_CONFIDENCE_ALWAYS_A_DIGIT
        self._min_score, self._min_probability, self._min_confidence = min_score, min_probability, min_confidence
        self._is_digit_k = np.array([label != NONE for label in classifier.labels])
        self._wants_ink = wants_ink(classifier)

    @property
    def labels(self) -> list[str]:
        """What digits are named, and what is none, by class_id."""
        return self._classifier.labels

    def read(self, frame: Frame, *, bgr: bool = False, detail: float = DETAIL) -> Reading:
        """Read a frame: uint8 (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), RGB unless ``bgr``; a picture file or PIL's.

        ``detail`` is how closely it is looked at, beside the whole at 640 pixels: 1 in parts down to every pixel, 0.5
        down to half as many a side, 0 not at all, as a frame of a video is.

        Raises ImageError for anything else, and SourceError for a frame of a size that the detector does not take.
        """
        return self.read_after(Before(Tracker(len(self.labels))), frame, bgr=bgr, shown_after=1, detail=detail)

    def read_after(self, before: Before, frame: Frame, *, bgr: bool, shown_after: int, detail: float = 0.0) -> Reading:
        """Read a frame after others: they vote, and ``before`` remembers this one from now on.

        ``shown_after`` is how many of the last three frames must have seen a digit, or a sign.
        """
        gray_hw1 = _gray(frame, bgr)
        detections = self._detect(gray_hw1, detail)
        found = detections.only(detections.scores_m >= self._min_score)
        boxes_m4, images_mhwc = found.boxes_m4, self._images(found.crops_mhwc)
        probabilities_mk = self._classified(images_mhwc)
        confidence_m = found.scores_m * probabilities_mk.max(axis=1)
        sure_m = confidence_m >= self._min_confidence
        accepted_m = self._accepted(probabilities_mk) & sure_m
        whole_m = sure_m & ~parts(boxes_m4, confidence_m * accepted_m, probabilities_mk.argmax(axis=1), found.scale_m)
        track_m = before.digits.update(boxes_m4[whole_m], probabilities_mk[whole_m])
        voted_tk = before.digits.probabilities_tk
        accepted_t = self._accepted(voted_tk)
        boxes_t4 = before.digits.boxes_t4
        order = _Order(boxes_t4)
        in_order = order(accepted_t)
        accepted_t[accepted_t] = ~self._in_words(gray_hw1, boxes_t4[accepted_t], voted_tk[accepted_t], in_order)
        shown_t = accepted_t & (before.digits.seen_t >= shown_after)
        marks = read_signs(gray_hw1[..., 0], _gaps(boxes_t4[accepted_t], order(accepted_t)))
        signs = before.signs.update(marks, shown_after)
        text, lines, placed_signs = self._in_order(boxes_t4[shown_t], voted_tk[shown_t], order(shown_t), signs)
        rejected = len(detections) - int(accepted_t[track_m].sum())
        seen = self._seen(images_mhwc, probabilities_mk, accepted_m & whole_m)
        return Reading(text, lines, rejected, seen, placed_signs)

    def _detect(self, gray_hw1: NDArray[np.uint8], detail: float) -> Found:
        height, width = gray_hw1.shape[:2]
        try:
            return detect(gray_hw1, detail, self._detector.detect)
        except ModelError as error:
            raise SourceError(
                f"a frame of {width}x{height} pixels: the detector does not take it ({error}). Expected the size of a "
                "photograph or a camera's frame."
            ) from error

    def _images(self, crops_mhwc: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the crops as the classifier takes them."""
        if not len(crops_mhwc):
            return crops_mhwc
        crops, wanted = ink_alone(crops_mhwc) if self._wants_ink else crops_mhwc, self._classifier.card.input
        if crops.shape[1:] == wanted.shape:
            return crops
        return np.stack([to_input(crop, wanted) for crop in crops])

    def _classified(self, images_mhwc: NDArray[np.uint8]) -> NDArray[np.float32]:
        if not len(images_mhwc):
            return np.zeros((0, len(self.labels)), np.float32)
        return self._classifier.probabilities(images_mhwc)

    def _accepted(self, probabilities_nk: NDArray[np.float32]) -> NDArray[np.bool_]:
        best = probabilities_nk.argmax(axis=1)
        result: NDArray[np.bool_] = self._is_digit_k[best] & (probabilities_nk.max(axis=1) >= self._min_probability)
        return result

    def _in_words(
        self, gray_hw1: NDArray[np.uint8], boxes_n4: NDArray[np.float32], probabilities_nk: NDArray[np.float32],
        lines: list[list[int]],
    ) -> NDArray[np.bool_]:  # fmt: skip
        labels = self.labels
        best = [labels[index] for index in probabilities_nk.argmax(axis=1).tolist()]
        return in_words(gray_hw1[..., 0], boxes_n4, best, lines)

    def _in_order(
        self, boxes_n4: NDArray[np.float32], probabilities_nk: NDArray[np.float32], lines: list[list[int]],
        marks: Sequence[Mark],
    ) -> tuple[str, tuple[tuple[Digit, ...], ...], tuple[Sign, ...]]:  # fmt: skip
        order = list(itertools.chain.from_iterable(lines))
        boxes, labels = _boxes(boxes_n4[order]), self.labels
        best_n, most_n = probabilities_nk.argmax(axis=1)[order], probabilities_nk.max(axis=1)[order]
        digits = [
            Digit(labels[best], *rest) for best, *rest in zip(best_n.tolist(), most_n.tolist(), boxes, strict=True)
        ]
        places = _places(lines)
        signs = placed(marks, gaps_of(boxes, places))
        text = text_of([digit.label for digit in digits], boxes_n4[order], places, signs)
        shown = tuple(sign for sign in signs if sign.label != BLANK)
        return text, tuple(tuple(digits[place] for place in line) for line in places), shown

    def _seen(
        self, images_mhwc: NDArray[np.uint8], probabilities_mk: NDArray[np.float32], accepted_m: NDArray[np.bool_]
    ) -> tuple[Seen, ...]:
        best_m, most_m, labels = probabilities_mk.argmax(axis=1).tolist(), probabilities_mk.max(axis=1), self.labels
        return tuple(
            Seen(image, labels[best], most, is_digit)
            for image, best, most, is_digit in zip(
                images_mhwc, best_m, most_m.tolist(), accepted_m.tolist(), strict=True
            )
        )


class VideoReader:
    """Reads one frame of a video after another: a digit is shown when two of the last three have it, and all vote."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._before = Before(Tracker(len(reader.labels)))

    def read(self, frame: Frame, *, bgr: bool = False) -> Reading:
        """Read the next frame; takes and raises what ``Reader.read`` does."""
        return self._reader.read_after(self._before, frame, bgr=bgr, shown_after=SHOWN_AFTER)


def _gray(frame: Frame, bgr: bool) -> NDArray[np.uint8]:
    pixels_hwc = checked_frame(frame if isinstance(frame, np.ndarray) else pixels_of(frame))
    height, width = pixels_hwc.shape[:2]
    return to_input(pixels_hwc, ImageInput(height, width, 1), bgr=bgr and isinstance(frame, np.ndarray))


class _Order:
    """The reading order of some of a frame's digits, which is that of before where they are the same."""

    def __init__(self, boxes_t4: NDArray[np.float32]) -> None:
        self._boxes_t4, self._lines = boxes_t4, dict[bytes, list[list[int]]]()

    def __call__(self, which_t: NDArray[np.bool_]) -> list[list[int]]:
        key = which_t.tobytes()
        if key not in self._lines:
            self._lines[key] = reading_order(self._boxes_t4[which_t])
        return self._lines[key]


def _gaps(boxes_n4: NDArray[np.float32], lines: list[list[int]]) -> list[Gap]:
    return gaps_of(_boxes(boxes_n4), lines)


def _boxes(boxes_n4: NDArray[np.float32]) -> list[tuple[float, float, float, float]]:
    return [(x, y, width, height) for x, y, width, height in boxes_n4.tolist()]


def _places(lines: list[list[int]]) -> list[list[int]]:
    """Number what stands in lines in reading order."""
    numbers = itertools.count()
    return [[next(numbers) for _ in line] for line in lines]


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
