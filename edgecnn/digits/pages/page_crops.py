"""Crops of one page for the classifier: digits as a detector hands them over, and what it may hand over by mistake.

Half of the digits are cut where a detector found them, and so is what it took for one and is none: the second of two
stages learns from what the first one gives it (Girshick et al. 2014, "Rich feature hierarchies"). The others are cut
around boxes that are off at random, so that a better detector than that one is answered as well.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgecnn.boxes import CROP_MARGIN, CROP_SIDE, overlaps, shares_within
from edgecnn.digits.pages.crops import around, crop, squares
from edgecnn.digits.pages.labels import CLUTTER
from edgecnn.digits.pages.log_uniform import log_uniform
from edgecnn.digits.pages.page import Page
from edgecnn.runtime.detector import Detector, load_detector

NONE = 10
DIGITS, MISTAKES, FOUND = 12, 8, 4  # at most, of one page; and of the mistakes, those that the detector makes
NARROWEST, WIDEST, STRAY = 1.1, 1.6, 0.12  # side of the square by the box's, and its middle by the square's side
RIGHT, NO_DIGIT = (
    0.5,
    0.3,
)  # overlap with a digit, both as squares, from which a box is of it, and below which it is not
PAIR = 0.62  # overlap with one of two above which a box around both could be of that one
SHARES = (0.55, 0.12, 0.2, 0.13)  # of clutter, empty places, parts of digits, pairs
# In float32: what int8 finds differs more between processors.
DETECTOR, LEAST_SCORE = "digit-finder/fp32", 0.2
AS_FOUND = 0.5  # share of the digits that are cut where the detector found them
WITHIN = 0.5  # share of a detection in a word, or in what is ignored, from which it may be an O of the word's

Boxes = NDArray[np.float32]
Find = Callable[[NDArray[np.uint8]], Boxes]


@dataclass(frozen=True, eq=False)
class Crops:
    """Crops (K, 28, 28) and what they are: 0 to 9, or 10 for none."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def as_detected(page: Page, rng: np.random.Generator) -> Crops:
    """Cut crops from a page as the zoo's detector finds them, and others; see ``sampled``."""
    return sampled(page, rng, _detections)


def sampled(page: Page, rng: np.random.Generator, find: Find) -> Crops:
    """Cut at most twelve digits and eight mistakes from a page; what is ignored is never cut.

    ``find`` returns the boxes (M, 4) that a detector has on a gray picture (H, W). Which crops there are, and what they
    are, does not depend on it: it only says where some are cut.
    """
    found_m4, of_found = find(page.image_hw), rng.spawn(1)[0]
    overlap_mk = overlaps(around(found_m4), around(page.boxes_k4))
    is_digit = (page.labels_k < CLUTTER) & ~page.ignored_k
    chosen = rng.permutation(np.flatnonzero(is_digit))[:DIGITS]
    digits_k3 = _jittered(page.boxes_k4[chosen], rng)
    for row, digit in enumerate(chosen):
        own = np.flatnonzero((overlap_mk[:, digit] >= RIGHT) & (overlap_mk.argmax(1) == digit))
        if len(own) and of_found.random() < AS_FOUND:
            digits_k3[row] = squares(found_m4[[of_found.choice(own)]])[0]
    mistakes_k3 = _jittered(np.concatenate([_mistake(page, rng) for _ in range(MISTAKES)]), rng)
    mistaken_m4 = of_found.permutation(found_m4[_is_mistake(page, found_m4, overlap_mk)])[:FOUND][: len(mistakes_k3)]
    mistakes_k3[: len(mistaken_m4)] = squares(mistaken_m4)
    cut = np.concatenate([digits_k3, mistakes_k3])
    labels = np.concatenate([page.labels_k[chosen], np.full(len(mistakes_k3), NONE)])
    images = [crop(page.image_hw, square) for square in cut]
    return Crops(np.array(images, np.uint8).reshape(-1, CROP_SIDE, CROP_SIDE), labels.astype(np.uint8))


def _detections(image_hw: NDArray[np.uint8]) -> Boxes:
    found = _detector().detect(image_hw)
    return found.boxes_m4[found.scores_m >= LEAST_SCORE]


@functools.cache
def _detector() -> Detector:
    return load_detector(DETECTOR, threads=1)


def _is_mistake(page: Page, found_m4: Boxes, overlap_mk: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which detections are none: of a letter or a sign, of a piece of digits, of what is beneath them.

    An O within a word, alone, could be a digit, and so could what is ignored.
    """
    may_be = (page.labels_k < CLUTTER) | page.ignored_k
    apart = overlap_mk[:, may_be].max(1, initial=0) < NO_DIGIT
    of_clutter = overlap_mk[:, ~may_be].max(1, initial=0) >= RIGHT
    unknown = page.boxes_k4[(page.labels_k == CLUTTER) | page.ignored_k]
    result: NDArray[np.bool_] = apart & (of_clutter | (shares_within(found_m4, unknown).max(1, initial=0) < WITHIN))
    return result


def _jittered(boxes_k4: Boxes, rng: np.random.Generator) -> Boxes:
    """Return the squares (K, 3) around boxes, as far off as a detector is."""
    count = len(boxes_k4)
    near, far = rng.normal(CROP_MARGIN, 0.08, count), rng.uniform(NARROWEST, WIDEST, count)
    margin = np.where(rng.random(count) < 0.5, near, far)
    found = squares(boxes_k4, margin.clip(NARROWEST, WIDEST).astype(np.float32))
    found[:, :2] += rng.uniform(-STRAY, STRAY, (len(found), 2)) * found[:, 2:]
    return found


def _mistake(page: Page, rng: np.random.Generator) -> Boxes:
    """Return the box (1, 4) of something that is no digit; (0, 4) where the first idea was one after all."""
    make = MAKERS[int(rng.choice(len(MAKERS), p=SHARES))]
    box_k4 = make(page, rng)
    limit = PAIR if make is _pair else NO_DIGIT
    counts = (page.labels_k < CLUTTER) | page.ignored_k
    close = overlaps(around(box_k4), around(page.boxes_k4[counts]))
    return box_k4 if close.max(initial=0) < limit else box_k4[:0]


def _clutter(page: Page, rng: np.random.Generator) -> Boxes:
    """A letter, a word, a sign."""
    return _one_of(page, rng, (page.labels_k == CLUTTER) & ~page.ignored_k)


def _empty(page: Page, rng: np.random.Generator) -> Boxes:
    """Anywhere."""
    height, width = page.image_hw.shape
    side = log_uniform(rng, 8, height * 0.5)
    sides = side * rng.uniform(0.4, 1.0), side
    corner = rng.uniform(0, width - sides[0]), rng.uniform(0, height - sides[1])
    return np.array([[*corner, *sides]], np.float32)


def _part(page: Page, rng: np.random.Generator) -> Boxes:
    """Beside a digit, a part of it, or much more than it."""
    box_k4 = _one_of(page, rng, (page.labels_k < CLUTTER) & ~page.ignored_k)
    factor = log_uniform(rng, 0.35, 2.6)
    sides = box_k4[:, 2:] * factor
    middle = box_k4[:, :2] + box_k4[:, 2:] / 2 + rng.uniform(-0.8, 0.8, 2) * np.maximum(box_k4[:, 2:], sides)
    return np.concatenate([middle - sides / 2, sides], 1).astype(np.float32)


def _pair(page: Page, rng: np.random.Generator) -> Boxes:
    """A digit and the one nearest to it as one."""
    digits = page.boxes_k4[page.labels_k < CLUTTER]
    first = _one_of(page, rng, (page.labels_k < CLUTTER) & ~page.ignored_k)
    if len(first) == 0 or len(digits) < 2:
        return first[:0]
    away = np.hypot(*(digits[:, :2] + digits[:, 2:] / 2 - first[:, :2] - first[:, 2:] / 2).T)
    second = digits[np.argsort(away)[1:2]]
    low = np.minimum(first[:, :2], second[:, :2])
    high = np.maximum(first[:, :2] + first[:, 2:], second[:, :2] + second[:, 2:])
    return np.concatenate([low, high - low], 1)


MAKERS = (_clutter, _empty, _part, _pair)


def _one_of(page: Page, rng: np.random.Generator, allowed_k: NDArray[np.bool_]) -> Boxes:
    found = np.flatnonzero(allowed_k)
    return page.boxes_k4[found[[int(rng.integers(len(found)))]]] if len(found) else np.empty((0, 4), np.float32)
