"""Which of the boxes that a detector answers are right: the rule behind each of its figures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgecnn.boxes import overlaps
from edgecnn.data.boxes import EXCUSED, IGNORED, RIGHT, THING


@dataclass(frozen=True, eq=False)
class Match:
    """How the M answers on one image count, and which of its K things they detect.

    ``right_m`` are true positives and ``wrong_m`` false ones; an answer that is neither lies on what is to be ignored.
    """

    right_m: NDArray[np.bool_]
    wrong_m: NDArray[np.bool_]
    detected_k: NDArray[np.bool_]

    @property
    def counts(self) -> tuple[int, int, int]:
        """True positives, false positives, false negatives."""
        return int(self.right_m.sum()), int(self.wrong_m.sum()), int((~self.detected_k).sum())


def match(boxes_m4: NDArray[np.float32], things_k4: NDArray[np.float32], ignored_b4: NDArray[np.float32]) -> Match:
    """Give each answer, the better first, the free thing that it overlaps most, where that is by more than RIGHT.

    Boxes are x, y, width, height. As the better come first, the first of them match alike without the others.
    """
    right_m, wrong_m = np.zeros(len(boxes_m4), bool), np.zeros(len(boxes_m4), bool)
    detected_k = np.zeros(len(things_k4), bool)
    for place, box in enumerate(boxes_m4):
        overlap_k = np.where(detected_k, 0, overlaps(box[None], things_k4)[0])
        if overlap_k.max(initial=0) > RIGHT:
            right_m[place] = detected_k[overlap_k.argmax()] = True
        else:
            wrong_m[place] = overlaps(box[None], ignored_b4).max(initial=0) <= EXCUSED
    return Match(right_m, wrong_m, detected_k)


def match_on(boxes_m4: NDArray[np.float32], truth_b4: NDArray[np.float32], what_b: NDArray[np.float32]) -> Match:
    """Match answers with the boxes of an image of a split."""
    return match(boxes_m4, truth_b4[what_b == THING], truth_b4[what_b == IGNORED])
