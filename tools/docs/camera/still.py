"""Stills of twelve megapixels, and digits that fill a frame: what is found by size, in which time and memory.

Each way of reading gets a process of its own, whose peak memory is that of one who reads such pictures. The pictures
are laid out by height, since what is asked is what is found of which: rows of numbers, by hand and in print in turn.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from camera.reading import PEER, Box
from camera.rendered import matched
from edgecnn import progress
from edgecnn.digits.looks import looks
from edgecnn.digits.pages import light, paper
from edgecnn.digits.pages.canvas import LAYERS, Canvas
from edgecnn.digits.pages.glyph_sources import Material
from edgecnn.digits.pages.labels import CLUTTER
from edgecnn.digits.pages.writing import Line, Pen, hand_pen, line_of, print_pen, write

WIDTH, HEIGHT = 4000, 3000
HEIGHTS = (12, 14, 17, 20, 28, 40, 60, 80, 120, 160, 240, 400, 240, 400)  # pixels, from the top
DETAILS = (0.0, 0.5, 1.0)
SEED = 12
STILLS, FILLED = 3, 5
LEVEL, INK, NOISE, BLUR = 225.0, 45.0, 4.0, 0.6
PITCH, ACROSS, MOST, LONGEST = 1.45, 6.0, 12, 5  # heights of a row and of a number's room; numbers a row, their digits
OF_60, ROWS, COLUMNS = 60, 7, 9
VARIED, SIXTY, FULL, FULL_SMALL = "12 to 400 pixels", "60 pixels", "four digits fill it", "the same at 640x480"
WORKER = Path(__file__).with_name("still_worker.py")


@dataclass(frozen=True, eq=False)
class Laid:
    """A picture, uint8 (H, W), and its digits: labels, boxes (x, y, width, height), and the height that was asked."""

    image_hw: NDArray[np.uint8]
    labels: list[str]
    boxes_k4: NDArray[np.float32]
    asked: list[int]


@dataclass(frozen=True)
class Row:
    """What one way of reading made of the digits of one height in pictures of one sort."""

    pictures: str
    reader: str
    height: int
    digits: int
    right: int
    mistaken: int


@dataclass(frozen=True)
class Cost:
    """What it took: of pictures of one sort seconds and false positives each, in a process with that peak memory."""

    pictures: str
    reader: str
    count: int
    width: int
    height: int
    looks: int | None
    false: int
    seconds: float | None
    peak_bytes: int


def laid_out(
    rng: np.random.Generator, width: int, height: int, rows: Sequence[tuple[int, float, Sequence[Line]]]
) -> Laid:
    """Write rows of numbers, each of a height and on a base, evenly across a sheet that a camera sees."""
    canvas, asked = Canvas(height, width, height, width), []
    for tall, base, lines in rows:
        room = width / len(lines)
        for column, line in enumerate(lines):
            write(canvas, rng, line, column * room + max(room - line.width, 0) / 2, base)
            asked += [tall] * (len(canvas.marks) - len(asked))
    image = paper.ground(rng, height, width, LEVEL)
    for name in LAYERS:
        if name in canvas.layers:
            image += canvas.layers[name] * np.float32(1 / 255) * (np.float32(INK) - image)
    blurred = light.blurred(image * light.lighting(rng, height, width), light.Blur("gaussian", BLUR, 0.0))
    image_hw = (light.noisy(rng, blurred, NOISE) + 0.5).clip(0, 255).astype(np.uint8)
    low = np.array([mark.hull.min(0) for mark in canvas.marks]) - 0.5
    high = np.array([mark.hull.max(0) for mark in canvas.marks]) + 0.5
    boxes_k4 = np.concatenate([low, high - low], 1).astype(np.float32)
    is_digit = np.array([mark.label < CLUTTER for mark in canvas.marks])
    whole = np.flatnonzero(is_digit & (low >= 0).all(1) & (high <= (width, height)).all(1))
    return Laid(image_hw, [str(canvas.marks[k].label) for k in whole], boxes_k4[whole], [asked[k] for k in whole])


def varied(rng: np.random.Generator, material: Material, width: int = WIDTH, height: int = HEIGHT) -> Laid:
    """Rows of numbers of all heights."""
    rows, base = [], 0.0
    for tall in HEIGHTS:
        base += PITCH * tall
        if base > height:
            break
        columns = min(MOST, max(1, int(width / (ACROSS * tall))))
        longest = min(LONGEST, max(1, int(width / columns / (1.1 * tall)) - 1))
        numbers = [_digits(rng, int(rng.integers(1, longest + 1))) for _ in range(columns)]
        rows.append((tall, base, _lines(rng, material, tall, numbers)))
    return laid_out(rng, width, height, rows)


def of_sixty(rng: np.random.Generator, material: Material, width: int = WIDTH, height: int = HEIGHT) -> Laid:
    """63 digits of 60 pixels, far from each other."""
    bases = [(row + 0.5) * height / ROWS for row in range(ROWS)]
    rows = [(OF_60, base, _lines(rng, material, OF_60, list(_digits(rng, COLUMNS)))) for base in bases]
    return laid_out(rng, width, height, rows)


def filled(rng: np.random.Generator, material: Material, width: int = WIDTH, height: int = HEIGHT) -> Laid:
    """Four digits across the whole frame, in print or by hand."""
    tall = 0.85 * height
    pen = _pen(rng, material, tall, by_hand=rng.random() < 0.5)
    line = line_of(rng, material, pen, _digits(rng, 4))
    fitting = min(1.0, 0.92 * width / line.width)
    line = replace(line, pen=replace(pen, height=tall * fitting), width=line.width * fitting)
    return laid_out(rng, width, height, [(round(line.pen.height), (height + line.pen.height) / 2, [line])])


def _lines(rng: np.random.Generator, material: Material, height: float, numbers: Sequence[str]) -> list[Line]:
    """Write every second number by hand."""
    return [
        line_of(rng, material, _pen(rng, material, height, by_hand=bool(column % 2)), number)
        for column, number in enumerate(numbers)
    ]


def _pen(rng: np.random.Generator, material: Material, height: float, *, by_hand: bool) -> Pen:
    return hand_pen(rng, float(height)) if by_hand else print_pen(rng, material, float(height))


def _digits(rng: np.random.Generator, count: int) -> str:
    return "".join(map(str, rng.integers(0, 10, count)))


def pictures(material: Material) -> dict[str, list[Laid]]:
    """Lay out all pictures."""
    rng = np.random.default_rng(SEED)
    return {
        VARIED: [varied(rng, material) for _ in range(STILLS)],
        SIXTY: [of_sixty(rng, material)],
        FULL: [filled(rng, material) for _ in range(FILLED)],
        FULL_SMALL: [filled(rng, material, 640, 480) for _ in range(FILLED)],
    }


def measured(
    laid: Mapping[str, Sequence[Laid]], detector: str, model: str, peer: Path | None, details: Sequence[float] = DETAILS
) -> tuple[list[Row], list[Cost]]:
    """Have every way of reading read all pictures."""
    ways = {f"detail {detail:g}": ["--detail", str(detail)] for detail in details}
    ways |= {PEER: ["--peer", str(peer)]} if peer else {}
    rows, costs = [], []
    with tempfile.TemporaryDirectory() as place:
        for pictures, sheets in laid.items():
            files = [Path(place) / f"{index}.png" for index in range(len(sheets))]
            for file, sheet in zip(files, sheets, strict=True):
                Image.fromarray(sheet.image_hw).save(file, compress_level=1)
            for reader, options in progress.told(list(ways.items())):
                command = [sys.executable, str(WORKER), "--detector", detector, "--model", model, *options]
                told = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, check=True).stdout
                found = json.loads(told)
                detail = None if reader == PEER else float(options[1])
                own, cost = judged(pictures, reader, sheets, found, detail)
                rows, costs = rows + own, [*costs, cost]
    return rows, costs


def judged(
    pictures: str, reader: str, sheets: Sequence[Laid], found: Mapping[str, Any], detail: float | None
) -> tuple[list[Row], Cost]:
    """Compare what was read with what is there."""
    heights = sorted({height for sheet in sheets for height in sheet.asked})
    tally, false = {height: [0, 0, 0] for height in heights}, 0
    for sheet, readings in zip(sheets, found["digits"], strict=True):
        for height in sheet.asked:
            tally[height][0] += 1
        as_read: list[tuple[str, Box]] = [(label, tuple(box)) for label, box in readings]
        for label, (_, best) in matched(sheet.boxes_k4, as_read):
            if best is None:
                false += 1
            else:
                tally[sheet.asked[best]][1 if sheet.labels[best] == label else 2] += 1
    height, width = sheets[0].image_hw.shape
    return [Row(pictures, reader, height, *counts) for height, counts in tally.items()], Cost(
        pictures=pictures,
        reader=reader,
        count=len(sheets),
        width=width,
        height=height,
        looks=None if detail is None else len(looks(width, height, detail)),
        false=false,
        seconds=float(np.median(found["seconds"])),
        peak_bytes=int(found["peak_bytes"]),
    )


def record(rows: Sequence[Row], costs: Sequence[Cost], *, times: bool) -> dict[str, object]:
    """Return it as a record has it."""
    return {
        "rows": [asdict(row) for row in rows],
        "costs": [asdict(cost) | ({} if times else {"seconds": None}) for cost in costs],
    }
