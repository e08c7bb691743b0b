"""Photographs of the data root: pen digits on squared paper, one per picture, and sudokus with 9x9 labels.

A reading counts for the cell in which its middle lies; the grid's corners are those of the largest quadrangle. What is
read outside may well be a digit of the page, so it is counted apart, and the pictures show it.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from camera.reading import Box, Read, bgr
from edgecnn import progress
from edgecnn.runtime.image import read_image

BLURRED = ("image1", "image36", "image73", "image185")
FILLED = ("image2002", "image2003")
SIDE = 9


@dataclass(frozen=True)
class Photograph:
    """A picture and its digits: one, or a grid of 81 where 0 is empty."""

    name: str
    group: str
    image_hwc: NDArray[np.uint8]
    digits: NDArray[np.int64]


@dataclass(frozen=True)
class Score:
    """What was read in one picture: digits right of those there, digits where there is none or another, and outside."""

    photograph: str
    group: str
    reader: str
    there: int
    right: int
    false: int
    outside: int
    seconds: float | None


def photographs(root: Path) -> list[Photograph]:
    """Read all photographs of the data root."""
    found = []
    for path in sorted((root / "digit-photos" / "pen-on-squared-paper").glob("*.jpg")):
        found.append(Photograph(path.stem, "pen on squared paper", read_image(path), np.array([int(path.stem)])))
    for path in sorted((root / "digit-photos" / "sudoku").glob("*.jpg")):
        rows = path.with_suffix(".dat").read_text().splitlines()[2 : 2 + SIDE]
        digits = np.array([[int(digit) for digit in row.split()] for row in rows])
        group = "sudoku, filled in" if path.stem in FILLED else "sudoku, print"
        if path.stem in BLURRED:
            group += ", blurred"
        found.append(Photograph(path.stem, group, read_image(path), digits))
    return found


def measured(root: Path, readers: Mapping[str, Read], pictures: Path | None = None) -> list[Score]:
    """Have each reader read each photograph; with what was read drawn into the folder ``pictures``."""
    scores = []
    for photo in progress.told(photographs(root)):
        for name, read in readers.items():
            score, readings = scored(photo, name, read)
            scores.append(score)
            if pictures:
                pictures.mkdir(parents=True, exist_ok=True)
                draw(photo, readings, pictures / f"{photo.name}-{name.split()[0].replace('/', '-')}.png")
    return scores


def rows(scores: list[Score], *, times: bool) -> list[dict[str, object]]:
    """Return the scores as a record has them."""
    return [asdict(score) | ({} if times else {"seconds": None}) for score in scores]


def corners(image_hwc: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the grid's corners (4, 2) from the top left, clockwise: the largest quadrangle that lines draw."""
    gray = cv2.GaussianBlur(cv2.cvtColor(bgr(image_hwc), cv2.COLOR_BGR2GRAY), (5, 5), 0)
    best = np.zeros((4, 2), np.float32)
    for block in (31, 51, 15, 81):
        ink = cv2.adaptiveThreshold(gray, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, block, 5)
        ink = cv2.dilate(ink, np.ones((3, 3), np.uint8))
        outlines, _ = cv2.findContours(ink, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        for outline in sorted(outlines, key=cv2.contourArea, reverse=True)[:3]:
            hull = cv2.convexHull(outline)
            for slack in (0.02, 0.04, 0.06, 0.1):
                shape = cv2.approxPolyDP(hull, slack * cv2.arcLength(hull, True), True)
                if len(shape) == 4 and cv2.contourArea(shape) > cv2.contourArea(best):
                    best = shape[:, 0].astype(np.float32)
                    break
    order = np.argsort(np.arctan2(*(best - best.mean(0)).T[::-1]))
    return best[order]


def scored(photo: Photograph, reader: str, read: Read) -> tuple[Score, list[tuple[str, Box]]]:
    """Read one picture and compare."""
    started = time.perf_counter()
    readings = read(photo.image_hwc).digits
    seconds = time.perf_counter() - started
    if photo.digits.ndim == 1:
        right = int(any(label == str(photo.digits[0]) for label, _ in readings))
        return Score(photo.name, photo.group, reader, 1, right, len(readings) - right, 0, seconds), readings
    square = np.array([[0, 0], [SIDE, 0], [SIDE, SIDE], [0, SIDE]], np.float32)
    to_grid = cv2.getPerspectiveTransform(corners(photo.image_hwc), square)
    claimed = np.zeros((SIDE, SIDE), bool)
    false = outside = 0
    for label, (x, y, width, height) in readings:
        middle = np.float32([[[x + width / 2, y + height / 2]]])
        column, row = np.floor(cv2.perspectiveTransform(middle, to_grid)[0, 0]).astype(int)
        if not (0 <= row < SIDE and 0 <= column < SIDE):
            outside += 1
        elif str(photo.digits[row, column]) == label and not claimed[row, column]:
            claimed[row, column] = True
        else:
            false += 1
    there, right = int((photo.digits > 0).sum()), int(claimed.sum())
    return Score(photo.name, photo.group, reader, there, right, false, outside, seconds), readings


def draw(photo: Photograph, readings: list[tuple[str, Box]], path: Path) -> None:
    """Write the picture with what was read in it."""
    picture = bgr(photo.image_hwc).copy()
    if photo.digits.ndim == 2:
        cv2.polylines(picture, [corners(photo.image_hwc).astype(int)], True, (255, 160, 0), 1)
    for label, box in readings:
        x, y, width, height = (round(side) for side in box)
        cv2.rectangle(picture, (x, y), (x + width, y + height), (0, 200, 0), 1)
        cv2.putText(picture, label, (x, y - 2), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 255), 1, cv2.LINE_AA)
    cv2.imwrite(str(path), picture)
