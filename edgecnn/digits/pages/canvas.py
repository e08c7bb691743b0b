"""A page in the making: layers of ink, where each character lies, and what is taken already."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgecnn.digits.pages.glyphs import Glyph, draw
from edgecnn.digits.pages.labels import CLUTTER

LAYERS = ("rules", "print", "hand", "panel", "lit")  # as they lie on each other; what is lit lies on panels
# How far a pen travels to write a digit, in heights; its ink over that is about the width of the stroke.
TRAVEL = (2.6, 1.1, 2.3, 2.6, 2.7, 2.6, 2.6, 1.8, 3.2, 2.6, 2.6)


@dataclass(frozen=True, eq=False)
class Mark:
    """One thing on the canvas: the corners (K, 2) of its ink, what it is, and which ink.

    ``unclear`` alone it could be a digit or not; ``silent`` only what is around it says that it is no digit, so
    it is nothing to show by itself. ``stroke`` is in pixels.
    """

    hull: NDArray[np.float32]
    label: int
    unclear: bool
    silent: bool
    layer: str
    stroke: float
    strength: float


@dataclass(frozen=True, eq=False)
class Text:
    """A line of text, and the marks of its characters but for what has no ink on the canvas."""

    text: str
    marks: tuple[Mark, ...]


@dataclass(eq=False)
class Canvas:
    """Layers of ink (0..255 coverage), the marks in them, and rectangles that are taken: x0, y0, x1, y1."""

    height: int
    width: int
    page_height: int
    page_width: int
    layers: dict[str, NDArray[np.uint8]] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    taken: list[tuple[float, float, float, float]] = field(default_factory=list)

    def layer(self, name: str) -> NDArray[np.uint8]:
        """Return a layer, empty when it is new."""
        if name not in self.layers:
            self.layers[name] = np.zeros((self.height, self.width), np.uint8)
        return self.layers[name]

    def is_free(self, x0: float, y0: float, x1: float, y1: float) -> bool:
        """Tell whether nothing is in a rectangle."""
        return not any(x0 < right and x1 > left and y0 < low and y1 > top for left, top, right, low in self.taken)

    def take(self, x0: float, y0: float, x1: float, y1: float) -> bool:
        """Take a rectangle if it is free; tell whether it was."""
        free = self.is_free(x0, y0, x1, y1)
        if free:
            self.taken.append((x0, y0, x1, y1))
        return free

    def somewhere(
        self, rng: np.random.Generator, width: float, height: float, *, gap: float
    ) -> tuple[float, float] | None:
        """Take a free rectangle, ``gap`` away from others; return its left upper corner, None where there is none."""
        for _ in range(6):
            x = float(rng.uniform(-0.1 * width, self.width - 0.9 * width)) if width < self.width else 0.0
            y = float(rng.uniform(-0.1 * height, self.height - 0.9 * height)) if height < self.height else 0.0
            if self.take(x - gap, y - gap, x + width + gap, y + height + gap):
                return x, y
        return None

    def put(
        self, glyph: Glyph, place: NDArray[np.float64], *, grow: float, label: int, layer: str,
        unclear: bool = False, silent: bool = False, strength: float = 1.0, stroke: float = 0.0,
    ) -> None:  # fmt: skip
        """Draw a glyph and remember where it is; ``stroke`` is the width of its lines in pixels."""
        hull = draw(self.layer(layer), glyph, place, grow, strength)
        if hull is not None:
            self.marks.append(Mark(hull, label, unclear, silent, layer, stroke, strength))

    def known(self, x0: float, y0: float, x1: float, y1: float, layer: str, *, unclear: bool = False) -> None:
        """Remember a place with clutter in it."""
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
        self.marks.append(Mark(corners, CLUTTER, unclear, False, layer, (y1 - y0) * 0.1, 1.0))
