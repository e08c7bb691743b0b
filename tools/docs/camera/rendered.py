"""A thousand rendered pages read: handwriting and typefaces that are held out, as many pages of each kind, three sizes.

A reading is of the digit whose square, which is what the classifier gets, overlaps its own by half of their union. It
counts with the height of the digit, and a false positive with its own. What lies for the most part in a thing that is
ignored counts neither way (as a crowd's in COCO, Lin et al. 2014): of a digit that the page cuts off, one sees a piece.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, field

import numpy as np
from numpy.typing import NDArray

from camera.reading import Answer, Box, Read
from edgecnn import progress
from edgecnn.boxes import overlaps, shares_within
from edgecnn.digits.pages.crops import around
from edgecnn.digits.pages.glyph_sources import Material
from edgecnn.digits.pages.labels import CLUTTER
from edgecnn.digits.pages.page import Page, Written, render_page
from edgecnn.digits.pages.scenes import SCENES

SEED = 97
SMALL, CAMERA, STILL = (320, 240), (640, 480), (2000, 1500)  # width and height
SIZES = (SMALL, CAMERA, STILL, SMALL, CAMERA, SMALL, CAMERA, SMALL, CAMERA, SMALL)  # of ten pages of a kind
HEIGHTS = (0, 14, 20, 40, 100)  # pixels, from which digits are counted together; none below 10 can be read
RIGHT = 0.5  # intersection over union
WITHIN = 0.5  # share of a reading that lies in what is ignored
RESAMPLES, CONFIDENCE = 2000, (2.5, 97.5)
SPLIT, NUMBER = re.compile(r"\s+"), re.compile(r"-?\d+(?:[.,:-]\d+)*")

Size = tuple[int, int]


@dataclass
class Counts:
    """Of some pages: digits that can be read, those detected and read right or as another, and false positives.

    Whole ``numbers`` have two digits or more and nothing but space around them; they are read right when a number of
    the reading in their line has the same digits. ``signed`` are those with a point, comma, colon or minus.
    """

    digits: int = 0
    right: int = 0
    mistaken: int = 0
    false: int = 0
    numbers: int = 0
    numbers_right: int = 0
    signed: int = 0
    signed_right: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(first + second for first, second in zip(astuple(self), astuple(other), strict=True)))


@dataclass
class Found:
    """What was counted, by height of the digits on pages of one kind and size, and on each page by itself."""

    pages: dict[tuple[str, Size], int] = field(default_factory=lambda: defaultdict(int))
    counts: dict[tuple[str, Size, int], Counts] = field(default_factory=lambda: defaultdict(Counts))
    each: list[Counts] = field(default_factory=list)  # of digits that are large enough for the target

    def record(self) -> dict[str, object]:
        """Return it as rows."""
        return {
            "pages": [{"kind": kind, "size": size, "pages": pages} for (kind, size), pages in self.pages.items()],
            "counts": [
                {"kind": kind, "size": size, "from": height, **asdict(counts)}
                for (kind, size, height), counts in self.counts.items()
            ],
            "right_ci95": interval([(page.right, page.digits) for page in self.each]),
        }


def drawn(material: Material, count: int, sizes: Sequence[Size] = SIZES) -> Iterator[tuple[Page, Size]]:
    """Render pages of each kind in turn: nothing was trained on these, nor chosen by them."""
    for number in progress.told(range(count)):
        kind, size = what(number, sizes)
        yield page_of(material, number, kind, size), size


def what(number: int, sizes: Sequence[Size] = SIZES) -> tuple[str, Size]:
    """Return the kind and the size of a page."""
    kinds = list(SCENES)
    return kinds[number % len(kinds)], sizes[number // len(kinds) % len(sizes)]


def page_of(material: Material, number: int, kind: str, size: Size) -> Page:
    """Render one page, which follows from its number, kind and size."""
    rng = np.random.default_rng(np.random.SeedSequence(SEED, spawn_key=(number,)))
    width, height = size
    return render_page(rng, material, height, width, kind)


def measured(material: Material, read: Read, count: int, sizes: Sequence[Size] = SIZES) -> Found:
    """Read pages, and count."""
    found = Found()
    for page, size in drawn(material, count, sizes):
        found.pages[page.kind, size] += 1
        counts = compared(page, read(page.image_hw[..., None]))
        for height, counted in counts.items():
            found.counts[page.kind, size, height] += counted
        found.each.append(sum((counted for height, counted in counts.items() if height >= HEIGHTS[1]), Counts()))
    return found


def compared(page: Page, answer: Answer) -> dict[int, Counts]:
    """Count what is right and wrong on one page, by height of digit."""
    counts: dict[int, Counts] = defaultdict(Counts)
    is_digit = (page.labels_k < CLUTTER) & ~page.ignored_k
    for height in page.boxes_k4[is_digit, 3]:
        counts[class_of(height)].digits += 1
    boxes_m4 = np.array([box for _, box in answer.digits], np.float32).reshape(-1, 4)
    ignored_m = shares_within(boxes_m4, page.boxes_k4[page.ignored_k]).max(1, initial=0) > WITHIN
    for (label, (height, best)), ignored in zip(matched(page.boxes_k4, answer.digits), ignored_m, strict=True):
        if best is None and ignored:
            continue
        if best is None or (not is_digit[best] and not page.ignored_k[best]):
            counts[class_of(height)].false += 1
        elif is_digit[best]:
            own = counts[class_of(page.boxes_k4[best, 3])]
            same = str(page.labels_k[best]) == label
            own.right, own.mistaken = own.right + same, own.mistaken + (not same)
    for written in page.texts:
        if written.clear:
            _count_numbers(written, page, answer.numbers, counts)
    return counts


def matched(
    boxes_k4: NDArray[np.float32], readings: Sequence[tuple[str, Box]]
) -> Iterator[tuple[str, tuple[float, int | None]]]:
    """Yield each reading with its height and the row of what it is of, each row once."""
    claimed = np.zeros(len(boxes_k4), bool)
    for label, box in readings:
        overlap_k = np.where(claimed, 0, overlaps(around(np.array([box], np.float32)), around(boxes_k4))[0])
        best = int(overlap_k.argmax()) if overlap_k.max(initial=0) > RIGHT else None
        if best is not None:
            claimed[best] = True
        yield label, (box[3], best)


def class_of(height: float) -> int:
    """Return from what height on digits are counted together with one of ``height`` pixels."""
    return max(least for least in HEIGHTS if height >= least)


def _count_numbers(written: Written, page: Page, numbers: Sequence[tuple[str, Box]], counts: dict[int, Counts]) -> None:
    """Count the whole numbers of one line."""
    x, y, width, height = (float(side) for side in written.box_4)
    middle_k2 = page.boxes_k4[:, :2] + page.boxes_k4[:, 2:] / 2
    within_k = np.all((middle_k2 >= (x, y)) & (middle_k2 <= (x + width, y + height)), 1) & (page.labels_k < CLUTTER)
    if not within_k.any():
        return
    own = counts[class_of(float(np.median(page.boxes_k4[within_k, 3])))]
    there = [
        text.replace("−", "-") for text, box in numbers
        if x <= box[0] + box[2] / 2 <= x + width and y <= box[1] + box[3] / 2 <= y + height
    ]  # fmt: skip
    for number in whole_numbers(written.text):
        same = next((text for text in there if text == number), None) or next(
            (text for text in there if _digits(text) == _digits(number)), None
        )
        if same is not None:
            there.remove(same)
        signed = number != _digits(number)
        own.numbers, own.numbers_right = own.numbers + 1, own.numbers_right + (same is not None)
        own.signed, own.signed_right = own.signed + signed, own.signed_right + (signed and same == number)


def whole_numbers(text: str) -> list[str]:
    """Return what stands alone in a line and is a number of two digits or more, with its signs.

    >>> whole_numbers("3 x 4.86, A12 12:30 -7.50")
    ['4.86', '12:30', '-7.50']
    """
    words = (word.rstrip(".,:-") for word in SPLIT.split(text.replace("−", "-")))
    return [word for word in words if NUMBER.fullmatch(word) and len(_digits(word)) > 1]


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())


def interval(shares: Sequence[tuple[int, int]]) -> list[float] | None:
    """Return the 95 % interval of a share, from pages drawn again and again out of these (bootstrap)."""
    of_page = np.array(shares, np.float64).reshape(-1, 2)
    if not of_page[:, 1].sum():
        return None
    drawn = np.random.default_rng(0).integers(len(of_page), size=(RESAMPLES, len(of_page)))
    right, digits = of_page[drawn].sum(1).T
    low, high = np.percentile(right / np.maximum(digits, 1), CONFIDENCE)
    return [round(float(low), 5), round(float(high), 5)]
