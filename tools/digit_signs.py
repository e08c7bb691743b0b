"""How well points, commas, colons and minuses between digits are read, on rendered lines of known text.

    python tools/digit_signs.py --data-root ROOT [--part train|test] [--lines 3000] [--seed 41]

A line is a number of one kind (a price, a time, a date, a count without any sign, …) in a font, a hand or seven
segments, of digits 12 to 400 pixels high, as a camera would see it: turned, in perspective, lit, blurred, noisy,
compressed, on plain, ruled or squared paper, with words beside it or a frame around it. It is read by ``Reader`` as a
picture. The thresholds of edgecnn/digits/signs were chosen by the part ``train``; figures are of ``test``, whose
handwriting and every second of whose fonts they have not seen.
"""

import argparse
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edgecnn.boxes import overlaps
from edgecnn.digits import Reader, Reading
from edgecnn.digits.pages import light, paper
from edgecnn.digits.pages.canvas import LAYERS, Canvas
from edgecnn.digits.pages.glyph_sources import Material, read_material
from edgecnn.digits.pages.log_uniform import log_uniform
from edgecnn.digits.pages.wording import word
from edgecnn.digits.pages.writing import Pen, display_pen, hand_pen, line_of, print_pen, write

SIGNS = ".,:-"
HEIGHTS = (12, 16, 24, 48, 120, 400)  # borders of the rows of the table
SAME = 0.4  # intersection over union of a digit and what was read there


@dataclass(frozen=True, eq=False)
class Written:
    """A picture with one number, as it was written, with the boxes (K, 4) of its characters that are no spaces."""

    image_hw: NDArray[np.uint8]
    text: str
    boxes_k4: NDArray[np.float32]
    kind: str
    height: float

    @property
    def characters(self) -> str:
        """The characters that have boxes."""
        return self.text.replace(" ", "")


def number(rng: np.random.Generator) -> str:
    """Return a number, with signs three times of four."""
    digits = [str(digit) for digit in rng.integers(0, 10, 12)]
    first, second = "".join(digits[: int(rng.integers(1, 4))]), "".join(digits[4 : 4 + int(rng.integers(1, 4))])
    two, pair = "".join(digits[8:10]), "".join(digits[10:12])
    sign = "+-x/="[int(rng.integers(5))]
    forms = (
        f"{first}{second}", f"{first}{second}{two}", f"{first} {second}", f"{first}{sign}{second}",
        f"{first}.{second}", f"{first}.{two}", f"{first},{second}", f"{first},{two}", f"{digits[0]}.{two}",
        f"{two}:{pair}", f"{digits[0]}:{pair}:{two}", f"{first}-{second}", f"-{first}", f"-{first}.{second}",
        f".{second}", f"{two}.{pair}.{first}", f"{two}-{pair}-{second}", f"{first},{second},{two}",
    )  # fmt: skip
    shares = np.array([4, 3, 2, 2, 3, 3, 3, 2, 2, 3, 1, 3, 2, 1, 1, 1, 1, 1], float)
    return forms[int(rng.choice(len(forms), p=shares / shares.sum()))]


def written(rng: np.random.Generator, material: Material) -> Written:
    """Write one number and take its picture."""
    height = float(log_uniform(rng, HEIGHTS[0], 120.0) if rng.random() < 0.85 else log_uniform(rng, 120.0, HEIGHTS[-1]))
    pen = _pen(rng, material, height)
    line = line_of(rng, material, pen, number(rng))
    left, right = (rng.uniform(0.9, 2.0) * height for _ in range(2))
    before = after = None
    if pen.kind == "print" and rng.random() < 0.3:
        before, after = (line_of(rng, material, pen, word(rng)[:5]) if rng.random() < 0.6 else None for _ in range(2))
    space = rng.uniform(0.3, 0.8) * height
    left += before.width + space if before else 0.0
    right += after.width + space if after else 0.0
    wide, high = int(left + line.width + right), int(height * rng.uniform(2.6, 4.5))
    canvas = Canvas(high, wide, high, wide)
    base = high / 2 + height / 2
    _beneath(canvas, rng, height, base, (left, left + line.width))
    write(canvas, rng, line, left, base)
    marks = canvas.texts[0].marks
    for other, x in ((before, left - space - before.width if before else 0), (after, left + line.width + space)):
        if other:
            write(canvas, rng, other, float(x), base)
    image_hw, to_page_33 = _seen(rng, _inked(canvas, rng, pen), height)
    boxes = []
    for mark in marks:
        points = cv2.perspectiveTransform(mark.hull[None].astype(np.float64), to_page_33)[0]
        low, high_corner = points.min(0) - 0.5, points.max(0) + 0.5
        boxes.append([*low, *(high_corner - low)])
    return Written(image_hw, line.text, np.array(boxes, np.float32), pen.kind, height)


def _pen(rng: np.random.Generator, material: Material, height: float) -> Pen:
    kind = rng.random()
    if kind < 0.45:
        return print_pen(rng, material, height)
    return display_pen(rng, height) if kind < 0.65 else hand_pen(rng, height)


def _beneath(
    canvas: Canvas, rng: np.random.Generator, height: float, base: float, columns: tuple[float, float]
) -> None:
    """Rule the paper, or draw a frame around the number."""
    kind, rules = rng.random(), canvas.layer("rules")
    width = max(0.6, height * float(rng.uniform(0.01, 0.05)))
    if kind < 0.1:
        paper.squares(rng, rules, max(6.0, height * rng.uniform(0.4, 2.0)), width)
    elif kind < 0.15:
        paper.ruled(rng, rules, max(6.0, height * rng.uniform(1.0, 2.0)), width)
    elif kind < 0.25:
        around = height * rng.uniform(0.25, 0.6)
        x0, x1, y0, y1 = columns[0] - around, columns[1] + around, base - height - around, base + around
        paper.polyline(rules, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]), width, closed=True)


def _inked(canvas: Canvas, rng: np.random.Generator, pen: Pen) -> NDArray[np.float32]:
    """Lay the inks onto paper: dark on light, or the other way round."""
    inverted = rng.random() < (0.5 if pen.kind == "segments" else 0.25)
    ground = float(rng.uniform(5, 110) if inverted else rng.uniform(110, 245))
    room = 250 - ground if inverted else ground
    sign = 1.0 if inverted else -1.0
    ink = ground + sign * room * float(rng.uniform(0.4, 0.97))
    rules = ground + (ink - ground) * float(rng.uniform(0.15, 1.0))
    image = paper.ground(rng, canvas.height, canvas.width, ground)
    for name in LAYERS:
        if name in canvas.layers:
            share = canvas.layers[name] * np.float32(1 / 255)
            image += share * (np.float32(rules if name == "rules" else ink) - image)
    return image


def _seen(
    rng: np.random.Generator, image: NDArray[np.float32], height: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Take a picture of a canvas, and say where its points are in it."""
    high, wide = image.shape
    to_page_33 = np.eye(3)
    if rng.random() < 0.65:
        turn = float(rng.choice((rng.normal(0, 0.05), rng.uniform(-0.2, 0.2))))
        tilt = np.eye(3)
        tilt[2, :2] = rng.normal(0, 0.06, 2) / (wide / 2, high / 2)
        rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
        centered = tilt @ rotation @ _shift(-wide / 2, -high / 2)
        corners = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float64)
        seen = cv2.perspectiveTransform(corners[None], centered)[0]
        low, top = np.floor(seen.min(0)), np.ceil(seen.max(0))
        to_page_33, (wide, high) = _shift(*-low) @ centered, (top - low).astype(int).tolist()
        between_centers = _shift(-0.5, -0.5) @ to_page_33 @ _shift(0.5, 0.5)
        image = np.asarray(
            cv2.warpPerspective(image, between_centers, (wide, high), borderMode=cv2.BORDER_REPLICATE), np.float32
        )
    blur = light.drawn_blur(rng, height)
    shaded = light.lighting(rng, high, wide) * image
    noise = float(rng.uniform(0, 3) if rng.random() < 0.8 else rng.uniform(3, 8))
    seen = light.noisy(rng, light.resampled(rng, light.blurred(shaded, blur)), noise)
    image_hw: NDArray[np.uint8] = np.clip(seen + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        image_hw = light.compressed(image_hw, int(rng.integers(40, 96)))
    return image_hw, to_page_33


def _shift(x: float, y: float) -> NDArray[np.float64]:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def lines(part: Literal["train", "test"], root: str | None, count: int, seed: int) -> Iterator[Written]:
    """Yield lines; number k follows from the seed and k alone."""
    cv2.setNumThreads(1)
    material = read_material(part, root)
    for index in range(count):
        yield written(np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index,))), material)


def counted(line: Written, reading: Reading) -> Iterator[tuple[str, str, str]]:
    """Yield what was counted, where it was written and what was read: of whole lines, and of gaps between digits found.

    A gap is named by the sign in it, ``none`` or ``other``, and what is read there by the sign or ``none``.
    """
    size = f"{max(border for border in HEIGHTS[:-1] if border <= line.height)} px"
    bare = "".join(sign for sign in line.text if sign.isdigit())
    if bare == "".join(digit.label for digit in reading.digits):
        signed = "".join(sign for sign in line.text if sign.isdigit() or sign in SIGNS)
        whole = "right" if reading.text.replace(" ", "") == signed else "wrong"
        for group in ("all", line.kind, size):
            yield f"whole number ({group})", "signed" if set(SIGNS) & set(line.text) else "plain", whole
    of_digit = _found(line, reading)
    read = {sign.before: sign.label for sign in reading.signs}
    places = [place for place, sign in enumerate(line.characters) if sign.isdigit()]
    for first, second in itertools.pairwise(places):
        one, other = of_digit.get(first), of_digit.get(second)
        if one is None or other is None or other != one + 1:
            continue
        between = line.characters[first + 1 : second]
        there = between if between in tuple(SIGNS) else "other" if between else "none"
        for group in ("all", line.kind, size):
            yield f"gap ({group})", there, read.get(other, "none")
    if places and of_digit.get(places[0]) is not None:
        there = line.characters[: places[0]] or "none"
        yield "in front", there, read.get(of_digit[places[0]], "none")


def _found(line: Written, reading: Reading) -> dict[int, int]:
    """Return for characters the places of the digits that were read there."""
    if not reading.digits:
        return {}
    same = overlaps(line.boxes_k4, np.array([digit.box for digit in reading.digits], np.float32))
    return {place: int(row.argmax()) for place, row in enumerate(same) if row.max() >= SAME}


def main() -> None:
    """Read lines and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", required=True)
    parser.add_argument("--part", choices=("train", "test"), default="test")
    parser.add_argument("--lines", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=41)
    options = parser.parse_args()
    reader, counts = Reader("digit-finder", "digits-webcam", threads=1), Counter[tuple[str, str, str]]()
    for line in lines(options.part, options.data_root, options.lines, options.seed):
        counts.update(counted(line, reader.read(line.image_hw)))
    for what, there in sorted({key[:2] for key in counts}):
        read = {key[2]: count for key, count in sorted(counts.items()) if key[:2] == (what, there)}
        total = sum(read.values())
        print(f"{what:24} {there:7} {total:6}  ", "  ".join(f"{label} {count}" for label, count in read.items()))


if __name__ == "__main__":
    main()
