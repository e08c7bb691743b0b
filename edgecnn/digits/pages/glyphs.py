"""One character as a field of distances, and its ink on a page at any size, shear and stroke width.

A field says for each of its pixels how far the edge of the ink is, positive inside. Sampled through an affine map and
cut off softly at zero it gives an anti-aliased edge at any scale, and an offset makes the stroke thicker or thinner
(Green 2007, "Improved alpha-tested magnification").
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from edgecnn.digits.pages.opencv import cv2

Field = NDArray[np.float32]

FAR = -1e3  # what lies outside a field, in its pixels
PAD = 6  # around the ink of a field, for thicker strokes
AROUND = 2  # around handwriting, in its own pixels
THICKEST = 9  # half of the thickest pen's line, in pixels of the field
FONT_SIZE = 72  # of the fields of printed characters
FAINT = 90  # of 255: what counts as ink in handwriting, where thin strokes are gray
ROUNDED = np.float32(0.8)  # the mean of a normal deviate's size: what a smoothed distance is where it was 0
SMOOTH = 1.0  # of the edges of handwriting, in pixels of the field


@dataclass(frozen=True, eq=False)
class Glyph:
    """A field and where the ink lies in it; lengths are in pixels of the field.

    ``line`` is the row of the baseline, ``unit`` the height of a digit in the same hand or font, ``advance`` the way
    to the next character.
    """

    field_hw: Field
    left: float
    top: float
    width: float
    height: float
    line: float
    unit: float
    advance: float
    ink: float
    is_line: bool


def distances(ink_hw: NDArray[np.uint8], threshold: int = 127) -> Field:
    """Return the signed distance to the edge of a mask whose ink is above ``threshold``."""
    inside = (ink_hw > threshold).view(np.uint8)
    field: Field = cv2.distanceTransform(inside, cv2.DIST_L2, 3) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
    field -= 0.5 * np.sign(field)
    return field


@functools.lru_cache(maxsize=8192)
def printed(font: str, character: str) -> Glyph:
    """Return a character of a font file; drawn at twice the size, since its corners are sharp."""
    face = _face(font, 2 * FONT_SIZE)
    mask, top = _mask(face, character)
    mask = np.pad(mask, ((2 * PAD, 2 * PAD + mask.shape[0] % 2), (2 * PAD, 2 * PAD + mask.shape[1] % 2)))
    halved = cv2.resize(distances(mask), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    field = np.asarray(halved, np.float32) * np.float32(0.5)
    ascent, digit_top = face.getmetrics()[0], _digit_top(face)
    line = PAD + (ascent - top) / 2
    return measured(field, field, line=line, unit=(ascent - digit_top) / 2, advance=face.getlength(character) / 2)


def text_mask(font: str, size: int, text: str) -> NDArray[np.uint8]:
    """Return a line of print as it is spaced by ``text_places``, uint8 (H, W), from the top of the font's line."""
    face = _face(font, size)
    image = Image.new("L", (math.ceil(text_places(font, size, text)[-1]), sum(face.getmetrics())))
    ImageDraw.Draw(image).text((0, 0), text, fill=255, font=face)
    return np.asarray(image)


def text_places(font: str, size: int, text: str) -> NDArray[np.float64]:
    """Return where each character of ``text`` begins and the last ends, in pixels, (len + 1,)."""
    face = _face(font, size)
    return np.cumsum([0.0, *(_length(face, character) for character in text)])


def written(image_hw: NDArray[np.uint8], height: float) -> Glyph:
    """Return handwriting, bright on dark, as it is; ``height`` in pixels says how fine the field must be."""
    factor = 2 if height < 32 else 3 if height < 64 else 4
    field = _smooth(distances(_enlarged(image_hw, factor), FAINT), factor / 2)
    return measured(field, field)


def thinned(image_hw: NDArray[np.uint8]) -> Glyph:
    """Return the middle line of handwriting: zero along it and falling off, to be drawn with a pen of any width."""
    return traced(_skeleton(_enlarged(image_hw, 2)))


def traced(line_hw: NDArray[np.uint8], line: float = 0.0, unit: float = 0.0) -> Glyph:
    """Return a line one pixel wide as a field that is zero along it; ``line`` and ``unit`` as a glyph has them."""
    left, top, width, height = cv2.boundingRect(line_hw)
    ink = np.pad(line_hw[top : top + height, left : left + width], THICKEST)
    away = np.asarray(cv2.distanceTransform(255 - ink, cv2.DIST_L2, 3), np.float32)
    away = _smooth(away, 1.0)
    away -= ROUNDED * np.exp(np.minimum(ROUNDED - away, 0) * 2)  # what smoothing adds near the line
    return measured(-away, ink, line - top + THICKEST if line else 0.0, unit, is_line=True)


def draw(
    coverage_hw: NDArray[np.uint8], glyph: Glyph, to_canvas_23: NDArray[np.float64], grow: float, strength: float = 1.0
) -> NDArray[np.float32] | None:
    """Lay a glyph onto ``coverage_hw``; return the corners of its ink (K, 2) as x, y in pixels, None where it has none.

    ``grow`` moves the edge outwards, in pixels of the canvas. The corners are those of the convex hull of the pixels
    that are more than half ink, at pixel centers, so that any perspective of them is the hull of the perspective; they
    may lie beyond the canvas.
    """
    (xx, xy, dx), (yx, yy, dy) = to_canvas_23.tolist()
    x0, x1 = _reach(xx, xy, dx, glyph.field_hw.shape)
    y0, y1 = _reach(yx, yy, dy, glyph.field_hw.shape)
    if x1 <= 0 or y1 <= 0 or x0 >= coverage_hw.shape[1] or y0 >= coverage_hw.shape[0]:
        return None
    local = to_canvas_23.copy()
    local[:, 2] += ((xx + xy) / 2 - 0.5 - x0, (yx + yy) / 2 - 0.5 - y0)  # OpenCV counts from pixel centers
    field = np.asarray(
        cv2.warpAffine(
            glyph.field_hw, local, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT,
            borderValue=FAR,
        ),
        np.float32,
    )  # fmt: skip
    field *= np.float32(255 * math.sqrt(abs(xx * yy - xy * yx)))
    field += np.float32(255 * (grow + 0.5))
    ink = np.clip(field, 0, 255, out=field).astype(np.uint8)
    points = cv2.findNonZero((ink > 127).view(np.uint8))
    if points is None:
        return None
    if strength < 1:
        ink = np.asarray(cv2.convertScaleAbs(ink, alpha=strength), np.uint8)
    view = coverage_hw[max(y0, 0) : y1, max(x0, 0) : x1]
    np.maximum(view, ink[max(-y0, 0) :, max(-x0, 0) :][: view.shape[0], : view.shape[1]], out=view)
    hull = cv2.convexHull(points)[:, 0].astype(np.float32)
    hull += (x0 + 0.5, y0 + 0.5)
    return hull


def _reach(by_x: float, by_y: float, start: float, shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the first pixel that a field covers along one axis of the canvas, and the one after the last."""
    right, down = by_x * shape[1], by_y * shape[0]
    low, high = start + min(right, 0.0) + min(down, 0.0), start + max(right, 0.0) + max(down, 0.0)
    return math.floor(low), math.ceil(high)


def placing(
    glyph: Glyph, scale: float, x: float, y: float, shear: float = 0.0, rotation: float = 0.0, stretch: float = 1.0
) -> NDArray[np.float64]:
    """Return the map (2, 3) that brings the middle of the glyph's ink to (x, y).

    ``shear`` leans to the right by that share of the height, ``rotation`` is in radians, ``stretch`` widens.
    """
    cos, sin = math.cos(rotation), math.sin(rotation)
    xx, xy = scale * cos * stretch, scale * (-cos * shear - sin)
    yx, yy = scale * sin * stretch, scale * (-sin * shear + cos)
    across, down = glyph.left + glyph.width / 2, glyph.top + glyph.height / 2
    return np.array([[xx, xy, x - xx * across - xy * down], [yx, yy, y - yx * across - yy * down]])


def measured(
    field: Field,
    ink: Field | NDArray[np.uint8],
    line: float = 0.0,
    unit: float = 0.0,
    advance: float = 0.0,
    *,
    is_line: bool = False,
) -> Glyph:
    """Return a field with what is measured in ``ink``, which is above zero where there is some."""
    mask = (ink > 0).view(np.uint8)
    left, top, width, height = cv2.boundingRect(mask)
    return Glyph(
        field, left, top, max(width, 1), max(height, 1), line or top + height, unit or max(height, 1),
        advance or width * 1.25, cv2.countNonZero(mask), is_line,
    )  # fmt: skip


def _enlarged(image_hw: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    left, top, width, height = cv2.boundingRect(image_hw)
    ink = image_hw[top : top + height, left : left + width]
    enlarged = cv2.resize(np.pad(ink, AROUND), None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return np.asarray(enlarged, np.uint8)


def _smooth(field: Field, sigma: float) -> Field:
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigma * SMOOTH), np.float32)


@functools.lru_cache(maxsize=1024)
def _face(font: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font, size, layout_engine=ImageFont.Layout.BASIC)


@functools.lru_cache(maxsize=1024)
def _digit_top(face: ImageFont.FreeTypeFont) -> float:
    return face.getbbox("0")[1]


@functools.lru_cache(maxsize=65536)
def _length(face: ImageFont.FreeTypeFont, character: str) -> float:
    return face.getlength(character)


def _mask(face: ImageFont.FreeTypeFont, character: str) -> tuple[NDArray[np.uint8], float]:
    """Return a character as a mask, and how far below the top of the font's line it begins."""
    left, top, right, bottom = (int(edge) for edge in face.getbbox(character))
    image = Image.new("L", (max(right - left, 1), max(bottom - top, 1)))
    ImageDraw.Draw(image).text((-left, -top), character, fill=255, font=face)
    return np.asarray(image), top


def _skeleton(image_hw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Thin a mask to lines of one pixel (Zhang and Suen 1984, "A fast parallel algorithm for thinning patterns")."""
    ink = (image_hw > FAINT).astype(np.uint8)
    while True:
        before = ink
        for removable in _removable():
            around = cv2.filter2D(ink, cv2.CV_8U, NEIGHBORS, borderType=cv2.BORDER_CONSTANT)
            ink = np.asarray(cv2.bitwise_and(ink, cv2.LUT(around, removable)), np.uint8)
        if np.array_equal(before, ink):
            return ink * 255


# Bits of the eight neighbors, clockwise from the one above.
NEIGHBORS = np.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]], np.float32)


@functools.cache
def _removable() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return for both halves of a step, by the neighbors' bits, 0 where a pixel goes and 1 where it stays."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1  # up, up right, right, …
    up, right, down, left = bits[:, 0], bits[:, 2], bits[:, 4], bits[:, 6]
    crossings = ((bits == 0) & (np.roll(bits, -1, 1) == 1)).sum(1)
    edge = (crossings == 1) & (bits.sum(1) >= 2) & (bits.sum(1) <= 6)
    first = edge & (up * right * down == 0) & (right * down * left == 0)
    second = edge & (up * right * left == 0) & (up * down * left == 0)
    return (~first).astype(np.uint8), (~second).astype(np.uint8)
