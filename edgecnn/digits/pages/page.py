"""One rendered page: composed flat, seen in perspective, lit, blurred and noisy, with a box for every digit.

Where things are is known exactly: the corners of each character's ink go through the same perspective as the pixels. A
digit that no one could read any more is marked as ignored rather than forgotten, and so is what could be a digit or
not, such as a single O.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgecnn.boxes import overlaps
from edgecnn.digits.pages import light, paper
from edgecnn.digits.pages.canvas import LAYERS, Canvas, Mark, Text
from edgecnn.digits.pages.glyph_sources import Material
from edgecnn.digits.pages.labels import CLUTTER
from edgecnn.digits.pages.opencv import cv2
from edgecnn.digits.pages.scenes import compose

STEEPEST = np.deg2rad(15)
READABLE_HEIGHT = 10.0  # pixels
READABLE_CONTRAST = 30.0  # gray levels of 255 between ink and paper, as they come out
READABLE_OVER_NOISE = (2.0, 24.0)  # contrast by the deviation of the noise, at least, and what small digits need more
FAINTEST = 32.0  # gray levels between an ink and its paper before light falls on them
FAINT = 50.0  # gray levels; below it JPEG must not be as coarse as it may be else
COARSEST, COARSEST_FAINT, FINEST = 30, 65, 95  # JPEG's quality
USUAL = 1.8  # height of a digit by its width
READABLE_BLUR = 0.085  # the blur's deviation by the digit's height
STRONGEST_RULES = 1.5  # contrast of lines by that of the fainter ink
UNIT = 15.0  # pixels: what a page is blurred for that has no digits
VISIBLE = 0.92  # the least share of a digit's box inside the picture
HIDDEN_IOU = 0.3  # intersection over union of two digits that hide each other
GLARE, SCREEN = 0.12, 0.06  # shares of the pages with a lamp's light on them, and of those that are on a screen


@dataclass(frozen=True, eq=False)
class Written:
    """A line of text on a page, with spaces and signs, and its box as ``Page`` has them. It is ``clear`` where all its
    digits can be read."""

    text: str
    box_4: NDArray[np.float32]
    clear: bool


@dataclass(frozen=True, eq=False)
class Page:
    """A picture and what is on it, K things.

    ``boxes_k4`` is x, y, width, height of the tight box around the ink, in pixels, within the picture. ``labels_k`` is
    0 to 9, or 10 for clutter whose place is known: letters, words, signs. What is ``ignored_k`` counts neither as
    a digit nor as none. ``kind`` is the name of its scene, ``texts`` are the lines that lie within it in full.
    """

    image_hw: NDArray[np.uint8]
    boxes_k4: NDArray[np.float32]
    labels_k: NDArray[np.int64]
    ignored_k: NDArray[np.bool_]
    kind: str = ""
    texts: tuple[Written, ...] = ()


@dataclass(frozen=True)
class Tones:
    """Gray levels of the paper and of each layer's ink, before light falls on them."""

    paper: float
    inks: dict[str, float]

    def contrast(self, layer: str) -> float:
        """Return how many levels lie between a layer's ink and what it lies on."""
        return abs(self.inks[layer] - (self.inks["panel"] if layer == "lit" else self.paper))


def render_page(rng: np.random.Generator, material: Material, height: int, width: int, kind: str | None = None) -> Page:
    """Render one page of any size; all that is random is drawn from ``rng``, and so is its ``kind`` (of
    ``scenes.SCENES``) where none is given."""
    canvas, to_page_33 = _bare(rng, height, width)
    kind = compose(canvas, rng, material, kind)
    tones = _tones(rng)
    image = _seen(_inked(rng, canvas, tones), to_page_33, height, width)
    shade = light.lighting(rng, height, width)
    image *= shade
    if rng.random() < GLARE:
        lamp = light.glare(rng, height, width)
        image += lamp * (np.float32(rng.uniform(200, 255)) - image)
        shade = shade * (1 - lamp)
    if rng.random() < SCREEN:
        image *= light.screen(rng, height, width)
    marks = [mark for mark in canvas.marks if not mark.silent]
    boxes_k4 = _boxes(marks, to_page_33)
    labels_k = np.array([mark.label for mark in marks], np.int64)
    blur = light.drawn_blur(rng, _unit(boxes_k4, labels_k))
    contrast_k = _contrast(marks, tones, boxes_k4, shade, blur.sigma)
    noise = _noise(rng, contrast_k)
    image_hw = _photographed(rng, image, blur, noise, _weakest(contrast_k))
    sides = _extent(boxes_k4, labels_k)
    unreadable_k = (
        (contrast_k < np.maximum(READABLE_CONTRAST, noise * (READABLE_OVER_NOISE[0] + READABLE_OVER_NOISE[1] / sides)))
        | (np.minimum(sides, boxes_k4[:, 3]) < READABLE_HEIGHT)
        | (blur.sigma > READABLE_BLUR * sides)
        | np.array([mark.unclear for mark in marks], bool)
    )
    ignored_k = unreadable_k | _overlapping(boxes_k4, labels_k)
    return _within(
        Page(image_hw, boxes_k4, labels_k, ignored_k, kind, _written(canvas.texts, marks, boxes_k4, ignored_k))
    )


def _bare(rng: np.random.Generator, height: int, width: int) -> tuple[Canvas, NDArray[np.float64]]:
    """Return an empty canvas that is large enough, and the perspective that brings it to the page."""
    if rng.random() < 0.35:
        return Canvas(height, width, height, width), np.eye(3)
    turn = float(rng.choice((rng.normal(0, 0.05), rng.uniform(-STEEPEST, STEEPEST))))
    tilt = np.eye(3)
    tilt[2, :2] = rng.normal(0, 0.08, 2) / (width / 2, height / 2)
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    centered = _shift(width / 2, height / 2) @ tilt @ rotation
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    seen = cv2.perspectiveTransform(corners[None], np.linalg.inv(centered))[0]
    low, high = np.floor(seen.min(0)) - 1, np.ceil(seen.max(0)) + 1
    return Canvas(int(high[1] - low[1]), int(high[0] - low[0]), height, width), centered @ _shift(*low)


def _seen(image: NDArray[np.float32], to_page_33: NDArray[np.float64], height: int, width: int) -> NDArray[np.float32]:
    """Bring a canvas to the page."""
    if np.array_equal(to_page_33, np.eye(3)):
        return image
    between_centers = _shift(-0.5, -0.5) @ to_page_33 @ _shift(0.5, 0.5)  # OpenCV counts from there
    page = cv2.warpPerspective(
        image, between_centers, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(page, np.float32)


def _shift(x: float, y: float) -> NDArray[np.float64]:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def _tones(rng: np.random.Generator) -> Tones:
    """Draw dark ink on light paper, or the other way round; each layer has an ink of its own, and panels a ground."""
    ground, away = _ground_and_room(rng)
    contrasts = {layer: _contrast_of(rng, abs(away)) for layer in LAYERS}
    if rng.random() < 0.7:
        contrasts["rules"] *= float(rng.uniform(0.15, 1.0))
    contrasts["rules"] = min(contrasts["rules"], STRONGEST_RULES * min(contrasts["print"], contrasts["hand"]))
    inks = {name: ground + float(np.copysign(value, away)) for name, value in contrasts.items()}
    panel, away = _ground_and_room(rng)
    return Tones(ground, inks | {"panel": panel, "lit": panel + float(np.copysign(_contrast_of(rng, abs(away)), away))})


def _ground_and_room(rng: np.random.Generator) -> tuple[float, float]:
    """Draw the level of a ground, and how far ink may be from it: below 0 where it is darker."""
    if rng.random() < 0.25:
        dark = float(rng.uniform(5, 110))
        return dark, 250 - dark
    ground = float(rng.uniform(110, 245))
    return ground, -ground


def _contrast_of(rng: np.random.Generator, room: float) -> float:
    strong = rng.random() < 0.75
    return float(rng.uniform(0.45, 0.97) * room if strong else rng.uniform(FAINTEST, max(0.45 * room, FAINTEST + 8)))


def _inked(rng: np.random.Generator, canvas: Canvas, tones: Tones) -> NDArray[np.float32]:
    """Lay the inks onto the paper."""
    image = paper.ground(rng, canvas.height, canvas.width, tones.paper)
    for name in LAYERS:
        if name in canvas.layers:
            share = canvas.layers[name] * np.float32(1 / 255)
            if name == "hand" and rng.random() < 0.4:
                share *= np.clip(0.92 + 0.1 * paper.texture(rng, canvas.height, canvas.width), 0.5, 1)
            image += share * (np.float32(tones.inks[name]) - image)
    return image


def _boxes(marks: list[Mark], to_page_33: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the boxes of marks (K, 4) on the page, also of what lies beyond its border."""
    if not marks:
        return np.empty((0, 4), np.float32)
    starts = np.cumsum([0, *(len(mark.hull) for mark in marks[:-1])])
    corners = np.concatenate([mark.hull for mark in marks])
    seen = cv2.perspectiveTransform(corners[None].astype(np.float64), to_page_33)[0]
    low, high = np.minimum.reduceat(seen, starts) - 0.5, np.maximum.reduceat(seen, starts) + 0.5
    return np.concatenate([low, high - low], 1).astype(np.float32)


def _unit(boxes_k4: NDArray[np.float32], labels_k: NDArray[np.int64]) -> float:
    """Return how high the smaller digits of a page are."""
    heights = boxes_k4[labels_k < CLUTTER, 3]
    return float(np.quantile(heights, 0.3)) if heights.size else UNIT


def _contrast(
    marks: list[Mark], tones: Tones, boxes_k4: NDArray[np.float32], shade: NDArray[np.float32], sigma: float
) -> NDArray[np.float32]:
    """Estimate how many gray levels lie between ink and paper, in this light and after a blur of ``sigma`` pixels."""
    if not marks:
        return np.empty(0, np.float32)
    height, width = shade.shape
    middle = boxes_k4[:, :2] + boxes_k4[:, 2:] / 2
    x, y = middle[:, 0].clip(0, width - 1).astype(int), middle[:, 1].clip(0, height - 1).astype(int)
    levels = np.array([tones.contrast(mark.layer) * mark.strength for mark in marks])
    strokes = np.array([mark.stroke for mark in marks])
    kept = np.minimum(1.0, strokes / max(2.5 * sigma, 1.0))
    result: NDArray[np.float32] = (levels * shade[y, x] * kept).astype(np.float32)
    return result


def _noise(rng: np.random.Generator, contrast_k: NDArray[np.float32]) -> float:
    """Draw the deviation of the noise in gray levels: little, now and then much, where the ink is strong."""
    sigma = float(rng.uniform(0, 3) if rng.random() < 0.8 else rng.uniform(3, 14))
    return min(sigma, _weakest(contrast_k) / 5)


def _extent(boxes_k4: NDArray[np.float32], labels_k: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return how large a digit is to a reader, in pixels: a narrow one, but for the 1, is like a low one."""
    width, height = boxes_k4[:, 2], boxes_k4[:, 3]
    narrow = (labels_k < CLUTTER) & (labels_k != 1)
    result: NDArray[np.float32] = np.where(narrow, np.minimum(height, USUAL * width), np.maximum(height, width))
    return result.clip(1)


def _weakest(contrast_k: NDArray[np.float32]) -> float:
    """Return how strong the fainter things of a page are."""
    return float(np.quantile(contrast_k, 0.3)) if contrast_k.size else 255.0


def _photographed(
    rng: np.random.Generator, image: NDArray[np.float32], blur: light.Blur, noise: float, contrast: float
) -> NDArray[np.uint8]:
    """Blur, scale, add noise, round and perhaps compress."""
    seen = light.noisy(rng, light.resampled(rng, light.blurred(image, blur)), noise)
    image_hw: NDArray[np.uint8] = np.clip(seen + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        return image_hw
    return light.compressed(image_hw, int(rng.integers(COARSEST_FAINT if contrast < FAINT else COARSEST, FINEST + 1)))


def _overlapping(boxes_k4: NDArray[np.float32], labels_k: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which digits lie on another."""
    hidden = np.zeros(len(labels_k), bool)
    digits = np.flatnonzero(labels_k < CLUTTER)
    if len(digits) > 1:
        shared = overlaps(boxes_k4[digits], boxes_k4[digits])
        np.fill_diagonal(shared, 0)
        hidden[digits] = shared.max(1) > HIDDEN_IOU
    return hidden


def _written(
    texts: list[Text], marks: list[Mark], boxes_k4: NDArray[np.float32], ignored_k: NDArray[np.bool_]
) -> tuple[Written, ...]:
    """Return lines of text with the boxes of their marks, of which ``marks`` are those with a box."""
    rows, found = {id(mark): row for row, mark in enumerate(marks)}, []
    for text in texts:
        own = [rows[id(mark)] for mark in text.marks if id(mark) in rows]
        digits = [row for row in own if marks[row].label < CLUTTER]
        if own and len(digits) == sum(sign.isdigit() for sign in text.text):
            low, high = boxes_k4[own, :2].min(0), (boxes_k4[own, :2] + boxes_k4[own, 2:]).max(0)
            found.append(Written(text.text, np.concatenate([low, high - low]), not ignored_k[digits].any()))
    return tuple(found)


def _within(page: Page) -> Page:
    """Cut boxes off at the border; what loses much is ignored, and what is outside is no longer there, nor is a line
    of text that is cut."""
    height, width = page.image_hw.shape
    low = page.boxes_k4[:, :2].clip(0)
    high = (page.boxes_k4[:, :2] + page.boxes_k4[:, 2:]).clip(max=(width, height))
    sides = high - low
    there = (sides > 0.5).all(1)
    share = sides.clip(0).prod(1) / page.boxes_k4[:, 2:].prod(1).clip(1e-6)
    boxes_k4 = np.concatenate([low, sides], 1).astype(np.float32)
    ignored_k = page.ignored_k | (share < VISIBLE)
    texts = tuple(
        text
        for text in page.texts
        if (text.box_4[:2] >= 0).all() and (text.box_4[:2] + text.box_4[2:] <= (width, height)).all()
    )
    return replace(
        page, boxes_k4=boxes_k4[there], labels_k=page.labels_k[there], ignored_k=ignored_k[there], texts=texts
    )
