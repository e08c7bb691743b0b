"""Picture files read: each on its own, so that a broken one does not take the others with it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn.digits.defaults import DETAIL
from edgecnn.digits.reading import Digit, Reader, Reading
from edgecnn.digits.signs import SIGNS, Sign
from edgecnn.errors import ImageError
from edgecnn.runtime.image import read_picture

TURNS = (0, 90, 180, 270)  # degrees, clockwise
AUTO = "auto"
SURELY = 32  # a digit of 99 % counts for half of one that is certain, one of 97 % for a seventh
TIMES, MORE = 1.1, 0.5  # how much more than as it lies has to be read surely in a picture that is turned


@dataclass(frozen=True)
class Number:
    """Digits that stand together, with the signs between: in which line, 1 the first, the probability of the least sure
    digit, and the box around all, x, y, width, height."""

    line: int
    text: str
    probability: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class ReadPicture:
    """What is read in one file, in reading order; or why it could not be read.

    The picture was first turned by ``turned`` degrees, clockwise; boxes are in pixels of what came of it. ``rejected``
    are detections that are no digit, ``assumed`` is what reading the file had to assume. ``signs`` are points, commas,
    colons and minuses, ``before`` of each the place in ``digits`` of the one after it.
    """

    path: Path
    text: str
    numbers: list[Number]
    digits: list[Digit]
    rejected: int
    turned: int
    error: str | None
    assumed: str | None = None
    signs: list[Sign] = field(default_factory=list)


def read_pictures(
    reader: Reader, paths: Iterable[Path], *, detail: float = DETAIL, rotate: int | str = 0
) -> Iterator[tuple[ReadPicture, NDArray[np.uint8] | None]]:
    """Read files one by one, as they come; each with its pixels (H, W, C) as they were turned, None for a broken one.

    ``rotate`` is by how many degrees, clockwise, a picture is turned first: 0, 90, 180 or 270; with ``auto`` each is
    read all four ways, and is turned where clearly more is read with confidence than as it lies.
    """
    for path in paths:
        try:
            picture = read_picture(path)
        except ImageError as error:
            told = str(error)
            yield ReadPicture(path, "", [], [], 0, 0, told if told.startswith(str(path)) else f"{path}: {told}"), None
            continue
        turned, pixels_hwc, reading = _read(
            reader, picture.pixels_hwc, detail, TURNS if rotate == AUTO else [int(rotate)]
        )
        digits = list(reading.digits)
        found = ReadPicture(
            path, reading.text, list(numbers(reading)), digits, reading.rejected, turned, None, picture.assumed,
            list(reading.signs),
        )  # fmt: skip
        yield found, pixels_hwc


def numbers(reading: Reading) -> Iterator[Number]:
    """Yield what stands together in the lines of a reading."""
    place, signs = 0, {sign.before: sign for sign in reading.signs}
    for line, (text, digits) in enumerate(zip(reading.text.split("\n"), reading.lines, strict=False), start=1):
        left = iter(digits)
        for word in text.split(" "):
            of_word = [next(left) for label in word if label not in SIGNS]
            places = range(place, place := place + len(of_word))
            boxes = [digit.box for digit in of_word] + [signs[at].box for at in places if at in signs]
            boxes_n4 = np.array(boxes)
            low, high = boxes_n4[:, :2].min(axis=0), (boxes_n4[:, :2] + boxes_n4[:, 2:]).max(axis=0)
            x, y, width, height = (float(value) for value in (*low, *(high - low)))
            yield Number(line, word, min(digit.probability for digit in of_word), (x, y, width, height))


def _read(
    reader: Reader, pixels_hwc: NDArray[np.uint8], detail: float, turns: Sequence[int]
) -> tuple[int, NDArray[np.uint8], Reading]:
    """Read a picture turned in each of these ways, and return the first, or the best where that is clearly better."""
    readings = [reader.read(_turned(pixels_hwc, turn), detail=detail) for turn in turns]
    sure = [_sure(reading) for reading in readings]
    best = sure.index(max(sure))
    kept = best if sure[best] > TIMES * sure[0] + MORE else 0
    return turns[kept], _turned(pixels_hwc, turns[kept]), readings[kept]


def _turned(pixels_hwc: NDArray[np.uint8], degrees: int) -> NDArray[np.uint8]:
    """Turn a picture clockwise."""
    return np.ascontiguousarray(np.rot90(pixels_hwc, -degrees // 90))


def _sure(reading: Reading) -> float:
    """Return how much is surely read, but for ones.

    Letters that lie on their side or upside down are ones and digits that nothing is sure of, and often many.
    """
    return sum(max(0.0, 2 * digit.probability - 1) ** SURELY for digit in reading.digits if digit.label != "1")
