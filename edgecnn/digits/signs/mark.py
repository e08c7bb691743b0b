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
        places: list[list[Mark]] = []
        for mark in (mark for frame in self._frames for mark in frame):
            place = next((place for place in places if _is_same(place[0], mark)), None)
            if place is None:
                places.append([mark])
            else:
                place.append(mark)
        return [_voted(place) for place in places if len(place) >= shown_after]


def _is_same(one: Mark, other: Mark) -> bool:
    (x, y), (right, low) = one.middle, other.middle
    return max(abs(x - right), abs(y - low)) < one.height / 2


def _voted(place: list[Mark]) -> Mark:
    """Return the newest mark of the label that most have, the newest of equals."""
    labels = [mark.label for mark in place]
    return place[labels.index(max(labels, key=labels.count))]
