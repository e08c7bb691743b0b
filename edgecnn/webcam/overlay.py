"""What is drawn on a frame: boxes, labels, speed, and the crops that the network saw; readable on any background."""

from collections.abc import Sequence

import numpy as np

from edgecnn.digits.reading import Digit, Reading, Seen
from edgecnn.digits.signs import Sign
from edgecnn.webcam.opencv import Pixels, cv2

FONT = cv2.FONT_HERSHEY_SIMPLEX
INK, PAPER = (255, 255, 255), (0, 0, 0)
ACCEPTED, REJECTED = (80, 220, 80), (70, 70, 255)  # BGR
USUAL_HEIGHT = 480  # pixels of a frame whose writing has the size 0.5
USUAL_WIDTH = 48  # pixels of a digit whose label has that size too
SMALLEST = 0.3
CROP_SIDE = 56
SPECK = 8  # pixels: a smaller crop shows nothing
PAD = 2


def draw(frame_bgr: Pixels, reading: Reading, status: str, *, crops: bool) -> Pixels:
    """Return a copy of the frame, uint8 (H, W, 3), with a reading, a line on speed, and the crops where wanted."""
    image = frame_bgr.copy()
    size = _size(image)
    for digit in reading.digits:
        _box(image, digit, size)
    for sign in reading.signs:
        _outline(image, sign, max(1, round(size)))
    if crops:
        _strip(image, reading.seen, size)
    _writing(image, status, (0, 0), size)
    return image


def _size(image: Pixels) -> float:
    return float(np.clip(0.5 * image.shape[0] / USUAL_HEIGHT, 0.35, 1.5))


def _box(image: Pixels, digit: Digit, size: float) -> None:
    """Draw a bright line inside a dark one, so that one of them shows on any paper, and the label above."""
    thickness = max(1, round(2 * size))
    x, y, width = _outline(image, digit, thickness)
    small = min(size, max(SMALLEST, size * width / USUAL_WIDTH))  # or the label hides the next digit
    _writing(image, f"{digit.label} {digit.probability:.0%}", (x, y - thickness - 1), small, above=True)


def _outline(image: Pixels, each: Digit | Sign, thickness: int) -> tuple[int, int, int]:
    """Draw a box, and return where it begins and how wide it is."""
    x, y, width, height = (round(value) for value in each.box)
    cv2.rectangle(image, (x, y), (x + width, y + height), PAPER, thickness + 2)
    cv2.rectangle(image, (x, y), (x + width, y + height), ACCEPTED, thickness)
    return x, y, width


def _writing(image: Pixels, text: str, corner: tuple[int, int], size: float, *, above: bool = False) -> None:
    """Write white on black with the upper (``above``: lower) left corner there, moved into the frame if need be."""
    (width, height), below = cv2.getTextSize(text, FONT, size, 1)
    wide, tall = width + 2 * PAD, height + below + 2 * PAD
    x = max(0, min(corner[0], image.shape[1] - wide))
    y = max(0, min(corner[1] - tall * above, image.shape[0] - tall))
    cv2.rectangle(image, (x, y), (x + wide - 1, y + tall - 1), PAPER, cv2.FILLED)
    cv2.putText(image, text, (x + PAD, y + PAD + height), FONT, size, INK, 1, cv2.LINE_AA)


def _strip(image: Pixels, seen: Sequence[Seen], size: float) -> None:
    """Lay the crops over the lower edge, as many as there is room for."""
    side = min(CROP_SIDE, image.shape[0] // 4, image.shape[1])
    if side < SPECK:
        return
    step = max(side, round(2 * CROP_SIDE * size)) + PAD
    for index, each in enumerate(seen[: (image.shape[1] + PAD) // step]):
        x, y = index * step, image.shape[0] - side
        color = cv2.cvtColor(each.crop_hwc, cv2.COLOR_GRAY2BGR) if each.crop_hwc.shape[2] == 1 else _bgr(each.crop_hwc)
        image[y : y + side, x : x + side] = cv2.resize(color, (side, side), interpolation=cv2.INTER_NEAREST)
        cv2.rectangle(image, (x, y), (x + side - 1, y + side - 1), ACCEPTED if each.accepted else REJECTED, 2)
        _writing(image, f"{each.label} {each.probability:.0%}", (x, y), size * 0.8, above=True)


def _bgr(crop_rgb: Pixels) -> Pixels:
    return np.ascontiguousarray(crop_rgb[..., ::-1])
