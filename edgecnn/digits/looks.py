"""A large picture looked at closely: a detector sees a frame at 640 pixels at most, so that of larger ones small digits
are lost; here parts of the frame follow the whole, down to those that the detector takes as they are.

Each level is tiles of one size, which overlap by more than a digit that their level is for. What touches the border of
a tile is cut off there, and whole in another tile or at another level. Digits that fill a frame are looked for from
farther away: at 640 pixels they are larger than most that a detector has learned.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgecnn.boxes import overlaps
from edgecnn.digits.signs.gray import reduced
from edgecnn.runtime.detector import Detections

NATIVE = 640  # pixels, of the longer side that a detector takes as it is
STEP = 2.5  # between the sizes of levels; the detector itself finds digits of a sixtieth to nearly all of a tile
OVERLAP = 0.25  # of a tile
ASPECT = 0.75  # of a tile: height by width, as of a camera's frame
CUT = 0.01  # of a tile's side: what lies nearer to its border is cut off
SAME = 0.5  # intersection over union, of one digit seen in two tiles
FLAT = 16  # levels between the darkest and the lightest pixel of a part of a frame that shows nothing
WELL_SEEN = 24  # pixels at the scale of a look, of a digit that is not made up of smaller ones
FAR = 320  # pixels, of the longer side of a frame as it is seen from farther away
FILLS = 0.25  # of a frame's shorter side: a digit that is as high is looked for from there


@dataclass(frozen=True)
class Look:
    """A part of a frame: x, y, width and height in its pixels, and which of its borders are the frame's own.

    From farther away, each ``away`` x ``away`` pixels are one, by their mean.
    """

    x: int
    y: int
    width: int
    height: int
    frame: tuple[int, int]
    away: int = 1

    @property
    def scale(self) -> float:
        """How many pixels of the frame are one of those that the detector sees."""
        return self.away * max(1.0, max(self.width, self.height) / self.away / NATIVE)

    def of(self, gray_hw1: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return its pixels of a frame."""
        part_hw1 = gray_hw1[self.y : self.y + self.height, self.x : self.x + self.width]
        if self.away == 1:
            return part_hw1
        means_hw: NDArray[np.uint8] = (reduced(part_hw1[..., 0], self.away).levels_hw + 0.5).astype(np.uint8)
        return means_hw[..., None]

    def shows(self, gray_hw1: NDArray[np.uint8]) -> bool:
        """Tell whether there is anything to see in this part of a frame."""
        return int(np.ptp(replace(self, away=1).of(gray_hw1))) >= FLAT

    def cuts(self, boxes_m4: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Tell which boxes, in its own pixels, touch a border that is not the frame's."""
        near = CUT * max(self.width, self.height)
        low, high = boxes_m4[:, :2], boxes_m4[:, :2] + boxes_m4[:, 2:]
        first = np.array([self.x > 0, self.y > 0])
        last = np.array([self.x + self.width < self.frame[0], self.y + self.height < self.frame[1]])
        size = np.array([self.width, self.height])
        cut_m2 = (first & (low < near)) | (last & (high > size - near))
        found: NDArray[np.bool_] = np.any(cut_m2, axis=1)
        return found


@dataclass(frozen=True, eq=False)
class Found:
    """Detections in pixels of the frame, best first, and for each how many pixels were one where it was seen."""

    boxes_m4: NDArray[np.float32]
    scores_m: NDArray[np.float32]
    crops_mhwc: NDArray[np.uint8]
    scale_m: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores_m)

    def only(self, which_m: NDArray[np.bool_]) -> "Found":
        """Return some of them."""
        return Found(*(array[which_m] for array in vars(self).values()))


def looks(width: int, height: int, detail: float) -> list[Look]:
    """Return what to look at: the whole frame, that from farther away, then tiles of smaller and smaller size.

    ``detail`` is how finely: 1 down to pixels as they are, 0.5 down to half as many a side, 0 the whole frame alone.
    """
    whole, side = Look(0, 0, width, height, (width, height)), max(width, height) / STEP
    result = [whole]
    if detail > 0 and min(width, height) > 1 and max(width, height) > FAR:
        result.append(replace(whole, away=min(math.ceil(max(width, height) / FAR), width, height)))
    finest = NATIVE / detail if detail > 0 else np.inf
    while side * STEP > finest * 1.01:
        tile = max(side, finest)
        wide, tall = (tile, tile * ASPECT) if width >= height else (tile * ASPECT, tile)
        columns, rows = _starts(width, round(wide)), _starts(height, round(tall))
        result += [
            Look(x, y, min(round(wide), width), min(round(tall), height), (width, height))
            for y, x in itertools.product(rows, columns)
        ]
        side = tile / STEP
    return result


def detect(gray_hw1: NDArray[np.uint8], detail: float, detected: Callable[[NDArray[np.uint8]], Detections]) -> Found:
    """Have a detector look at a frame as ``looks`` says, and put together what it finds."""
    height, width = gray_hw1.shape[:2]
    whole, *closer = looks(width, height, detail)
    parts = [_seen(gray_hw1, look, detected) for look in (whole, *filter(lambda look: look.shows(gray_hw1), closer))]
    boxes_m4, scores_m, crops_mhwc, scale_m = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    if len(parts) == 1:
        return Found(boxes_m4, scores_m, crops_mhwc, scale_m)
    well_m = boxes_m4[:, 3] >= WELL_SEEN * scale_m  # then the look is best that shows most of what is around
    order = np.lexsort((-scores_m, np.where(well_m, -scale_m, 0), ~well_m))
    kept = np.sort(order[_first_of_each(boxes_m4[order])])
    kept = kept[np.argsort(-scores_m[kept], kind="stable")]
    return Found(boxes_m4[kept], scores_m[kept], crops_mhwc[kept], scale_m[kept])


def _seen(
    gray_hw1: NDArray[np.uint8], look: Look, detected: Callable[[NDArray[np.uint8]], Detections]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8], NDArray[np.float32]]:
    found = detected(np.ascontiguousarray(look.of(gray_hw1)))
    boxes_m4 = found.boxes_m4 * np.float32(look.away)
    whole_m = ~look.cuts(boxes_m4) & (boxes_m4[:, 3] >= (FILLS * min(look.frame) if look.away > 1 else 0))
    boxes_m4 = boxes_m4[whole_m] + np.array([look.x, look.y, 0, 0], np.float32)
    scale_m = np.full(len(boxes_m4), look.scale, np.float32)
    return boxes_m4, found.scores_m[whole_m], found.crops_mhwc[whole_m], scale_m


def _starts(side: int, tile: int) -> list[int]:
    """Return where tiles begin along a side: evenly, the first and the last at its ends, overlapping enough."""
    if tile >= side:
        return [0]
    count = int(np.ceil((side - tile) / (tile * (1 - OVERLAP)))) + 1
    return [round(start) for start in np.linspace(0, side - tile, count)]


def _first_of_each(boxes_m4: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the rows that no earlier kept row overlaps as the same thing would."""
    same_mm, kept = overlaps(boxes_m4, boxes_m4) >= SAME, []
    left = np.ones(len(boxes_m4), np.bool_)
    for row in range(len(boxes_m4)):
        if left[row]:
            kept.append(row)
            left &= ~same_mm[row]
    return np.array(kept, np.int64)
