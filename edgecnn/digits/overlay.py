"""A picture with what was read in it: a line around each digit and sign, and its label beside it, over nothing else."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from edgecnn.digits.reading import Digit
from edgecnn.digits.signs import Sign

SURE = 0.9  # from there on a digit stands alone
LINE, HALO, LABEL = (0, 200, 0), (0, 0, 0), (255, 255, 255)
LEAST, MOST = 10, 64  # pixels, of the writing
SHARE = 0.3  # of the digits' typical height

Rectangle = tuple[float, float, float, float]  # left, top, right, bottom


def overlay(pixels_hwc: NDArray[np.uint8], digits: Sequence[Digit], signs: Sequence[Sign] = ()) -> Image.Image:
    """Return a picture (H, W, 1, 3 or 4) in color with the digits and signs that were read in it, all in one size.

    A probability stands beside a digit below 90 % alone. Where there is no room beside a digit, none is written.
    """
    channels = pixels_hwc.shape[2]
    image = Image.fromarray(pixels_hwc[..., 0] if channels == 1 else pixels_hwc[..., :3]).convert("RGB")
    if not digits:
        return image
    draw, size = ImageDraw.Draw(image), _size(digits)
    font, width = ImageFont.load_default(size), max(1, round(size / 10))
    both: list[Digit | Sign] = [*digits, *signs]
    framed = [_edges(each, width + 1) for each in both]
    taken = [*framed]
    for each in both:
        draw.rectangle(_edges(each, width), outline=HALO, width=width + 1)
        draw.rectangle(_edges(each, width - 1), outline=LINE, width=width)
    for text, edges in zip([*map(_text, digits), *(sign.label for sign in signs)], framed, strict=True):
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
        place = _place(edges, (right - left + 2 * width, bottom - top + 2 * width), image.size, taken)
        if place is not None:
            taken.append(place)
            draw.rectangle(place, fill=HALO)
            draw.text((place[0] + width - left, place[1] + width - top), text, fill=LABEL, font=font)
    return image


def _size(digits: Sequence[Digit]) -> float:
    return float(np.clip(SHARE * np.median([digit.box[3] for digit in digits]), LEAST, MOST))


def _text(digit: Digit) -> str:
    return digit.label if digit.probability >= SURE else f"{digit.label}  {digit.probability:.0%}"


def _edges(each: Digit | Sign, around: int) -> Rectangle:
    x, y, width, height = each.box
    return x - around, y - around, x + width + around, y + height + around


def _place(
    edges: Rectangle, size: tuple[float, float], frame: tuple[int, int], taken: Sequence[Rectangle]
) -> Rectangle | None:
    """Return where beside a digit its label covers neither a digit nor another label."""
    return next((place for place in _places(edges, size) if _is_free(place, frame, taken)), None)


def _places(edges: Rectangle, size: tuple[float, float]) -> Iterator[Rectangle]:
    """Yield the places above, below, to the right and to the left."""
    left, top, right, bottom = edges
    wide, tall = size
    for x, y in ((left, top - tall), (left, bottom), (right, top), (left - wide, top), (right - wide, top - tall)):
        yield x, y, x + wide, y + tall


def _is_free(place: Rectangle, frame: tuple[int, int], taken: Sequence[Rectangle]) -> bool:
    left, top, right, bottom = place
    inside = left >= 0 and top >= 0 and right <= frame[0] and bottom <= frame[1]
    return inside and not any(
        left < other[2] and other[0] < right and top < other[3] and other[1] < bottom for other in taken
    )
