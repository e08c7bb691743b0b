"""Where a sign or a space may stand: between two digits of a line, and in front of the first.

Lengths in this package are in heights of the digits beside a gap, and y is 0 at their tops and 1 at the line that they
stand on.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgecnn.digits.signs.mark import BLANK, Box, Mark, Sign

TOP, LOW = -0.3, 1.45  # what is looked at
WIDEST_GAP = 1.6
BEFORE = 1.55  # what is looked at in front of a number
SAME_HEIGHT = 1.7  # at most between the heights of neighbors
CLOSEST = 0.05  # the middles of neighbors
WIDER = 0.21  # than most of its line, between boxes and between their middles: such a gap may be a space
CELL = 0.5  # a digit that is narrower may stand at the right of a display's cell
FEWEST_GAPS = 3  # of a line that tell what is usual in it


@dataclass(frozen=True, slots=True)
class Gap:
    """What lies before a digit of a line: the boxes on either side, where ``left`` may be none, and which digit."""

    left: Box
    right: Box
    before: int
    open: bool  # nothing is on the left
    wide: bool = False  # than others of its line

    @property
    def height(self) -> float:
        """The mean height of the digits beside it."""
        return (self.left[3] + self.right[3]) / 2

    def holds(self, x: float, y: float) -> bool:
        """Tell whether the middle of a sign lies in it."""
        left, right = self.left[0] + self.left[2] / 2, self.right[0] + self.right[2] / 2
        if not left < x < right:
            return False
        share = (x - left) / (right - left)
        top = self.left[1] + (self.right[1] - self.left[1]) * share
        return top + TOP * self.height < y < top + LOW * self.height


def placed(marks: Sequence[Mark], gaps: Sequence[Gap]) -> list[Sign]:
    """Say in front of which digit each mark stands; each stands before one, and what lies in no gap is left out.

    A space is between two digits: where lines are close, one may also lie in front of the next.
    """
    left, found = [(*mark.middle, mark) for mark in marks], []
    for gap in gaps:
        marked = ((at, x, y) for at, (x, y, mark) in enumerate(left) if not (gap.open and mark.label == BLANK))
        at = next((at for at, x, y in marked if gap.holds(x, y)), None)
        if at is not None:
            _, _, mark = left.pop(at)
            found.append(Sign(mark.label, mark.box, gap.before))
    return found


def gaps_of(boxes: Sequence[Box], lines: Sequence[Sequence[int]]) -> list[Gap]:
    """Return the gaps of lines of digits in which a sign may stand, also in front of their first digits."""
    return [gap for line in lines for gap in _gaps(boxes, line)]


def _gaps(boxes: Sequence[Box], line: Sequence[int]) -> Iterator[Gap]:
    beside = {
        right: boxes[left] for left, right in itertools.pairwise(line) if _are_neighbors(boxes[left], boxes[right])
    }
    wide = _wide([(left, boxes[index], index) for index, left in beside.items()])
    for place, index in enumerate(line):
        right = boxes[index]
        if index in beside:
            yield Gap(beside[index], right, index, False, index in wide)
        else:
            after = boxes[line[place + 1]] if place + 1 < len(line) else right
            yield Gap(_in_front(right, after), right, index, True)


def _wide(pairs: Sequence[tuple[Box, Box, int]]) -> set[int]:
    """Return before which digits there is more room than before most of their line, of two neighbors and the number of
    the second, each: narrow digits have more around them, and digits in cells or in handwriting are farther apart, so
    that both kinds of distance have to tell."""
    if len(pairs) < FEWEST_GAPS:
        return set()
    heights = [(left[3] + right[3]) / 2 for left, right, _ in pairs]
    gaps = [(right[0] - left[0] - left[2]) / height for (left, right, _), height in zip(pairs, heights, strict=True)]
    pitches = [
        (right[0] + right[2] / 2 - left[0] - left[2] / 2) / height
        for (left, right, _), height in zip(pairs, heights, strict=True)
    ]
    usual_gap, usual_pitch = median(gaps), median(pitches)
    found = set()
    for (_, right, before), height, gap, pitch in zip(pairs, heights, gaps, pitches, strict=True):
        off = max(CELL - right[2] / height, 0)
        if min(gap - usual_gap - off, pitch - usual_pitch - off / 2) >= WIDER:
            found.add(before)
    return found


def median(values: Sequence[float]) -> float:
    """Return the median of some numbers; np.median takes many times as long for so few."""
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _are_neighbors(left: Box, right: Box) -> bool:
    height = (left[3] + right[3]) / 2
    alike = max(left[3], right[3]) <= SAME_HEIGHT * min(left[3], right[3])
    apart = right[0] + right[2] / 2 - left[0] - left[2] / 2 > CLOSEST * height
    return alike and apart and right[0] - left[0] - left[2] <= WIDEST_GAP * height


def _in_front(digit: Box, after: Box) -> Box:
    """Return where a digit would stand that is as far in front of another as is looked at, on their line."""
    x, y, width, height = digit
    slope = 0.0
    if after is not digit and _are_neighbors(digit, after):
        run = after[0] + after[2] / 2 - x - width / 2
        slope = (after[1] + after[3] / 2 - y - height / 2) / run
    away = width + BEFORE * height
    return x - away, y - slope * away, width, height
