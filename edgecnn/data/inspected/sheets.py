"""Contact sheets as PNG: a few pictures of each class, and pairs that are the same or nearly so."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from edgecnn import files
from edgecnn.data.inspected.alike import Pairs
from edgecnn.data.split import Split
from edgecnn.text import printable

PAPER, INK = "white", "#1f2329"
SIDE, GAP, MARGIN = 56, 4, 12  # pixels of a picture, between two, around all
LETTERS, LINE = 13, 20
ROWS = 25  # of classes in a column
MOST_CLASSES, MOST_PAIRS = 200, 80
WIDE, NARROW = 12, 6  # pictures of a class, where classes fill one column, and where they fill several
PAIRS_IN_A_ROW, PAIR_WIDTH = 4, 220


def classes(path: Path, train: Split) -> None:
    """Draw pictures of each class, evenly out of the training images."""
    labels = np.flatnonzero(np.bincount(train.labels_n, minlength=len(train.names)))[:MOST_CLASSES]
    count = WIDE if len(labels) <= ROWS else NARROW
    rows = min(ROWS, len(labels))
    width, height = count * (SIDE + GAP) + MARGIN, LINE + SIDE + GAP
    columns = -(-len(labels) // rows)
    sheet = Image.new("RGB", (columns * width + MARGIN, rows * height + 2 * MARGIN), PAPER)
    for place, label in enumerate(labels):
        left, top = MARGIN + place // rows * width, MARGIN + place % rows * height
        members = np.flatnonzero(train.labels_n == label)
        _write(sheet, left, top, f"{printable(train.names[label])} ({len(members):,})", width - MARGIN)
        chosen = members[np.linspace(0, len(members) - 1, min(count, len(members))).astype(np.int64)]
        for number, index in enumerate(chosen):
            sheet.paste(_picture(train.images_nhwc[index]), (left + number * (SIDE + GAP), top + LINE))
    _save(sheet, path)


def pairs(path: Path, images_nhwc: NDArray[np.uint8], found: Pairs, said: Sequence[str]) -> None:
    """Draw pairs side by side, each under its line."""
    found = found[:MOST_PAIRS]
    rows = -(-len(found) // PAIRS_IN_A_ROW)
    size = (PAIRS_IN_A_ROW * PAIR_WIDTH + MARGIN, rows * (SIDE + LINE + 2 * GAP) + 2 * MARGIN)
    sheet = Image.new("RGB", size, PAPER)
    for place, (both, line) in enumerate(zip(found, said, strict=False)):
        left = MARGIN + place % PAIRS_IN_A_ROW * PAIR_WIDTH
        top = MARGIN + place // PAIRS_IN_A_ROW * (SIDE + LINE + 2 * GAP)
        _write(sheet, left, top, printable(line), PAIR_WIDTH - MARGIN)
        for number, index in enumerate(both):
            sheet.paste(_picture(images_nhwc[index]), (left + number * (SIDE + GAP), top + LINE))
    _save(sheet, path)


def _picture(image_hwc: NDArray[np.uint8]) -> Image.Image:
    picture = Image.fromarray(image_hwc[..., 0] if image_hwc.shape[2] == 1 else image_hwc).convert("RGB")
    larger = max(picture.size) < SIDE
    return picture.resize(_fitting(picture.size), Image.Resampling.NEAREST if larger else Image.Resampling.BILINEAR)


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    longest = max(size)
    return max(1, size[0] * SIDE // longest), max(1, size[1] * SIDE // longest)


def _write(sheet: Image.Image, left: int, top: int, line: str, width: int) -> None:
    """Write a line, cut to the room that there is."""
    font = ImageFont.load_default(LETTERS)
    shown = line
    while len(shown) > 1 and font.getlength(shown) > width:
        shown = shown.removesuffix("…")[:-1] + "…"
    ImageDraw.Draw(sheet).text((left, top), shown, fill=INK, font=font)


def _save(sheet: Image.Image, path: Path) -> None:
    with files.replacing(path) as partial:
        sheet.save(partial, format="PNG", optimize=True)
