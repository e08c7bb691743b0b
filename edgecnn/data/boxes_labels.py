"""Boxes as the files of a data set say them, before its pictures are read: what every format of them comes to."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Part = Literal["train", "validation", "test", "all"]


@dataclass(frozen=True)
class Label:
    """One box: x, y, width and height, of which category, and where it stands, for messages. An ``ignored`` one counts
    neither way."""

    box_4: tuple[float, float, float, float]
    category: int
    place: str
    ignored: bool = False


@dataclass(frozen=True)
class LabeledPicture:
    """A picture with its boxes, in its pixels; ``relative`` ones are fractions of its sides. ``size`` is what the
    labels say of its width and height."""

    file: Path
    labels: tuple[Label, ...]
    relative: bool
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Labels:
    """All of a data set by part; what has no parts is ``all``. ``categories`` are named in their order."""

    categories: tuple[str, ...]
    parts: dict[Part, tuple[LabeledPicture, ...]]

    @property
    def used(self) -> tuple[str, ...]:
        """The categories that have a box."""
        found = {label.category for pictures in self.parts.values() for picture in pictures for label in picture.labels}
        return tuple(name for number, name in enumerate(self.categories) if number in found)
