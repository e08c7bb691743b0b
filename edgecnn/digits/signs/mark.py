"""A sign, and those of the last frames."""

from collections.abc import Sequence
from dataclasses import dataclass

SIGNS = ".,:-"
BLANK = " "  # nothing stands in a gap that is wider than others

Box = tuple[float, float, float, float]  # x, y, width, height


@dataclass(frozen=True, slots=True)
class Sign:
    """A point, comma, colon, minus or ``BLANK``, its box in pixels of the frame, and the place of the digit behind."""

    label: str
    box: Box
    before: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A sign by itself: its label, its box, and how high the digits beside it are."""

    label: str
    box: Box
    height: float

    @property
    def middle(self) -> tuple[float, float]:
        """Its middle in pixels of the frame."""
        x, y, width, height = self.box
        return x + width / 2, y + height / 2


class Memory:
    """Signs over the last three frames: what ``shown_after`` of them have at one place is there, by their majority."""

    def __init__(self) -> None:
        self._frames: list[list[Mark]] = []

    def update(self, found: Sequence[Mark], shown_after: int) -> list[Mark]:
        """Take one frame's signs, and return those that are shown."""
        self._frames = [list(found), *self._frames[:2]]
        places: list[_Place] = []
        for mark in (mark for frame in self._frames for mark in frame):
            x, y = mark.middle
            place = next((place for place in places if abs(place.x - x) < place.near > abs(place.y - y)), None)
            if place is None:
                places.append(_Place(x, y, mark.height / 2, [mark]))
            else:
                place.marks.append(mark)
        return [_voted(place.marks) for place in places if len(place.marks) >= shown_after]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a mark was, and those of all frames that are so near to it."""

    x: float
    y: float
    near: float
    marks: list[Mark]


def _voted(place: list[Mark]) -> Mark:
    """Return the newest mark of the label that most have, the newest of equals."""
    labels = [mark.label for mark in place]
    return place[labels.index(max(labels, key=labels.count))]
