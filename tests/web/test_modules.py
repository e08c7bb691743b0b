"""The page's modules in Node.js against Python: preprocessing, ink, looks and reading order give the same."""

import base64
import hashlib
import itertools
import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from digits.lettered import WORDS, lettered
from digits.signed import PENS, SIGNED, page
from digits.written import written
from numpy.typing import NDArray

from edgecnn.card import ImageInput
from edgecnn.digits.defaults import MIN_CONFIDENCE, MIN_PROBABILITY, MIN_SCORE
from edgecnn.digits.ink import ink_alone
from edgecnn.digits.lettering import in_words
from edgecnn.digits.looks import Found, detect, looks
from edgecnn.digits.nested import parts
from edgecnn.digits.order import reading_order, text_of
from edgecnn.digits.reading import SHOWN_AFTER
from edgecnn.digits.signs import BLANK, SIGNS, Mark, Memory, gaps_of, placed, read_signs
from edgecnn.digits.tracking import Tracker
from edgecnn.runtime.classifier import load
from edgecnn.runtime.detector import Detections, load_detector
from edgecnn.runtime.image import to_input

from .conftest import SOURCE

Pixels = NDArray[np.uint8]
Javascript = Callable[[str, object], Any]

PRELUDE = """
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as boxes from "./boxes.js";
import * as ink from "./ink.js";
import * as lettering from "./lettering.js";
import * as looks from "./looks.js";
import * as pixels from "./pixels.js";
import * as reading from "./reading.js";
import * as signs from "./signs.js";
import * as tracking from "./tracking.js";
const image = ({ shape: [height, width, channels], base64 }) =>
  ({ pixels: new Uint8Array(Buffer.from(base64, "base64")), height, width, channels });
const frame = ({ pixels, height, width }) =>
  ({ height, width, rows: (top, count) => pixels.subarray(4 * top * width, 4 * (top + count) * width) });
const told = ({ pixels, height, width, channels }) =>
  ({ base64: Buffer.from(pixels).toString("base64"), shape: [height, width, channels] });
const cases = JSON.parse(readFileSync(0, "utf-8"));
const answer = async (given) => { %s };
const answers = [];
for (const given of cases) answers.push(await answer(given));
console.log(JSON.stringify(answers));
"""


@pytest.fixture
def javascript(node: str) -> Javascript:
    """Run the body of a function of ``given`` for each case, with the page's modules at hand."""

    def run(body: str, cases: object) -> Any:
        command = [node, "--input-type=module", "--eval", PRELUDE % body]
        result = subprocess.run(
            command,
            cwd=SOURCE / "src",
            input=json.dumps(cases),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return json.loads(result.stdout)

    return run


def packed(image_hwc: Pixels) -> dict[str, object]:
    return {"shape": image_hwc.shape, "base64": base64.b64encode(np.ascontiguousarray(image_hwc).tobytes()).decode()}


def unpacked(told: dict[str, Any]) -> Pixels:
    return np.frombuffer(base64.b64decode(told["base64"]), np.uint8).reshape(told["shape"])


def picture(height: int, width: int, channels: int, seed: int = 0) -> Pixels:
    """A picture with noise, edges and a gradient, so that every step has something to do."""
    draw = np.random.default_rng(seed)
    noise = draw.integers(0, 256, (height, width, channels))
    ramp = np.linspace(0, 255, width)[None, :, None] * np.ones((height, 1, channels))
    return np.where(noise % 7 < 2, noise, ramp).astype(np.uint8)


SIZES = [(28, 28), (280, 280), (480, 640), (97, 113), (7, 5), (1, 1), (300, 20), (20, 300), (56, 56), (1080, 1920)]
INPUTS = [ImageInput(28, 28, 1), ImageInput(32, 32, 3), ImageInput(8, 8, 1), ImageInput(20, 30, 3)]


def half_way(frame: Pixels, wanted: ImageInput) -> NDArray[np.bool_]:
    """Tell which pixels lie between two values in exact arithmetic: their rounding is up to the order of summing."""
    gray = to_input(frame, ImageInput(*frame.shape[:2], wanted.channels))
    high, wide = gray.shape[:2]
    kept_h, kept_w = (
        min(high, max(1, wide * wanted.height // wanted.width)),
        min(wide, max(1, high * wanted.width // wanted.height)),
    )
    top, left = (high - kept_h) // 2, (wide - kept_w) // 2
    exact = gray[top : top + kept_h, left : left + kept_w].astype(np.float64)
    for axis, target in enumerate((wanted.height, wanted.width)):
        scale = exact.shape[axis] / target
        distance = np.abs(np.arange(exact.shape[axis]) + 0.5 - (np.arange(target)[:, None] + 0.5) * scale)
        weights = np.maximum(0, 1 - distance / max(scale, 1))
        weights /= weights.sum(axis=1, keepdims=True)
        exact = np.moveaxis(np.tensordot(weights, exact, axes=(1, axis)), 0, axis)
    return np.abs(exact % 1 - 0.5) < 1e-4


@pytest.mark.parametrize("wanted", INPUTS, ids=str)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_preprocessing_is_that_of_python_to_the_byte(javascript: Javascript, wanted: ImageInput, channels: int) -> None:
    frames = [picture(height, width, channels) for height, width in SIZES]
    if channels == 4:  # light ink on nothing
        frames.append(np.where(np.arange(4) < 3, 255 - frames[0] % 30, frames[0]).astype(np.uint8))
    cases = [{"image": packed(frame), "input": vars(wanted)} for frame in frames]
    body = """
      const raw = image(given.image);
      const seen = raw.channels === 4 ? await pixels.opaque(frame(raw), 3) : raw;
      return told(pixels.toInput(seen, given.input));"""
    for frame, told in zip(frames, javascript(body, cases), strict=True):
        found, expected = unpacked(told), to_input(frame, wanted)
        assert found.shape == expected.shape
        differs = found != expected
        assert not (differs & ~half_way(frame, wanted)).any(), frame.shape
        assert np.abs(found.astype(int) - expected).max() <= 1


def mass(image_hwc: Pixels) -> tuple[float, float]:
    """Return where the center of mass is: row and column."""
    weights = image_hwc[..., 0].astype(float)
    rows, columns = np.indices(weights.shape) + 0.5
    return float((weights * rows).sum() / weights.sum()), float((weights * columns).sum() / weights.sum())


def drawing(top: int, left: int, height: int, width: int) -> Pixels:
    """A light L on black, 280x280."""
    image = np.zeros((280, 280, 1), np.uint8)
    image[top : top + height, left : left + 20] = 255
    image[top + height - 20 : top + height, left : left + width] = 255
    return image


@pytest.mark.parametrize("box", [(30, 40, 200, 100), (100, 10, 60, 200), (0, 0, 280, 280), (200, 200, 40, 40)])
def test_ink_is_fitted_as_mnist_does(javascript: Javascript, box: tuple[int, int, int, int]) -> None:
    (told,) = javascript("return told(ink.fitInk(image(given)));", [packed(drawing(*box))])
    fitted = unpacked(told)
    assert fitted.shape == (28, 28, 1)
    rows, columns = np.flatnonzero(fitted.any(axis=(1, 2))), np.flatnonzero(fitted.any(axis=(0, 2)))
    sides = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    assert max(sides) == 20
    assert min(sides) == max(1, round(20 * min(box[2:]) / max(box[2:])))
    assert np.abs(np.array(mass(fitted)) - 14).max() <= 0.5 + 1e-9
    assert fitted.max() == 255


def test_where_the_drawing_is_does_not_matter(javascript: Javascript) -> None:
    drawings = [packed(drawing(top, left, 150, 90)) for top, left in ((0, 0), (130, 190), (64, 33))]
    first, *others = javascript("return told(ink.fitInk(image(given)));", drawings)
    assert others == [first, first]


def test_mass_at_the_edge_of_the_ink_cuts_nothing_off(javascript: Javascript) -> None:
    """A square with a long thin tail: its center of mass in the middle would push the tail out."""
    image = np.zeros((280, 280, 1), np.uint8)
    image[200:260, 10:70] = 255
    image[10:200, 10:12] = 60
    (told,) = javascript("return told(ink.fitInk(image(given)));", [packed(image)])
    rows = np.flatnonzero(unpacked(told).any(axis=(1, 2)))
    assert rows[-1] - rows[0] + 1 == 20


def test_no_ink_is_no_image(javascript: Javascript) -> None:
    empty = packed(np.zeros((280, 280, 1), np.uint8))
    assert javascript("return ink.fitInk(image(given));", [empty]) == [None]


def test_mnist_wants_ink_and_photographs_do_not(javascript: Javascript) -> None:
    card = load("mnist-compact").card
    white = card.golden.images_nhwc.copy()
    white[0] = 255 - white[0]
    cases = [
        {
            "input": vars(card.input),
            "golden": {"images_nhwc": packed(images), "probabilities_nk": {"shape": [len(images), 10]}},
        }
        for images in (card.golden.images_nhwc, white)
    ]
    assert javascript("return ink.wantsInk(given);", cases) == [True, False]


def test_the_ink_of_a_crop_is_that_of_python_to_the_byte(javascript: Javascript) -> None:
    draw = np.random.default_rng(1)
    golden = load("mnist-compact").card.golden.images_nhwc
    crops = np.concatenate(
        [golden, 255 - golden, golden // 3 + 90, draw.integers(0, 256, golden.shape, np.uint8), golden // 12 + 40]
    ).astype(np.uint8)
    found = javascript("return told(ink.inkAlone(image(given)));", [packed(crop) for crop in crops])
    np.testing.assert_array_equal(np.stack([unpacked(told) for told in found]), ink_alone(crops))


def pages() -> list[NDArray[np.float32]]:
    """Boxes of digits in lines, turned and jittered, from none to forty."""
    draw = np.random.default_rng(2)
    made = [np.zeros((0, 4), np.float32), np.array([[5, 5, 20, 30]], np.float32)]
    for _ in range(60):
        lines, columns, slope = draw.integers(1, 6), draw.integers(1, 8), draw.uniform(-0.3, 0.3)
        row, column = np.divmod(draw.permutation(lines * columns), columns)
        x = column * draw.choice([30, 90]) + draw.normal(0, 3, row.size)
        y = row * 60 + slope * x + draw.normal(0, 3, row.size)
        sides = draw.normal((18, 30), 2, (row.size, 2))
        made.append(np.column_stack([x, y, sides]).astype(np.float32))
    return made


def test_the_reading_order_is_that_of_python(javascript: Javascript) -> None:
    cases = pages()
    body = """
      const lines = reading.readingOrder(given);
      return [lines, reading.textOf(given.map((_, index) => `${index % 10}`), given, lines)];"""
    for boxes_n4, (lines, text) in zip(cases, javascript(body, [case.tolist() for case in cases]), strict=True):
        assert lines == reading_order(boxes_n4)
        assert text == text_of([str(index % 10) for index in range(len(boxes_n4))], boxes_n4, lines)


def test_parts_of_a_digit_are_those_of_python(javascript: Javascript) -> None:
    draw = np.random.default_rng(4)
    boxes_nm4 = np.concatenate([draw.integers(0, 40, (60, 12, 2)), draw.integers(4, 40, (60, 12, 2))], 2)
    sure_nm, labels_nm = draw.integers(0, 8, (60, 12)) / 8, draw.integers(0, 3, (60, 12))
    scale_nm = draw.choice([1, 1.25, 1.5], (60, 12)).astype(np.float32)
    scale_nm[:30] = 1
    pages = list(zip(boxes_nm4, sure_nm, labels_nm, scale_nm, strict=True))
    cases = [
        {"boxes": boxes.tolist(), "sure": sure.tolist(), "labels": labels.tolist(), "scales": scales.tolist()}
        for boxes, sure, labels, scales in pages
    ]
    found = javascript("return reading.parts(given.boxes, given.sure, given.labels, given.scales);", cases)
    expected = [parts(boxes.astype(np.float32), *rest).tolist() for boxes, *rest in pages]
    assert found == expected
    assert 0.1 < np.mean(expected) < 0.9


def test_what_is_looked_at_is_what_python_looks_at(javascript: Javascript) -> None:
    draw = np.random.default_rng(7)
    sizes = [(640, 480), (646, 646), (647, 400), (4000, 3000), (3000, 4000), *draw.integers(1, 9000, (40, 2)).tolist()]
    cases = [
        {"width": width, "height": height, "detail": detail} for width, height in sizes for detail in (0, 0.1, 0.5, 1)
    ]
    body = """
      const found = looks.looks(given.width, given.height, given.detail);
      return found.map((look) => ({ ...look, scale: looks.scaleOf(look) }));"""
    for given, found in zip(cases, javascript(body, cases), strict=True):
        expected = [
            {"left": o.x, "top": o.y, "width": o.width, "height": o.height, "away": o.away}
            | {"scale": float(np.float32(o.scale))}
            for o in looks(**given)
        ]
        assert found == expected, given


def looked_at(gray_hw1: Pixels) -> tuple[Found, list[dict[str, Any]]]:
    """What Python finds in a picture, and each look that led to it. The first bytes of a crop number it."""
    detector, record = load_detector("digit-finder", threads=1), []

    def recorded(frame: Pixels) -> Detections:
        found = detector.detect(frame)
        crops_mhwc = found.crops_mhwc.copy()
        crops_mhwc[:, 0, 0, 0], crops_mhwc[:, 0, 1, 0] = len(record), np.arange(len(crops_mhwc))
        named = Detections(found.boxes_m4, found.scores_m, crops_mhwc)
        record.append(
            {
                "shape": frame.shape,
                "digest": hashlib.sha256(frame.tobytes()).hexdigest(),
                "boxes": named.boxes_m4.tolist(),
                "scores": named.scores_m.tolist(),
            }
        )
        return named

    return detect(gray_hw1, 1.0, recorded), record


def test_a_large_picture_is_put_together_from_its_parts_as_in_python(javascript: Javascript) -> None:
    """The detector of the zoo found in each look what it found in Python: the rest is to be the same to the bit."""
    cases, found = [], []
    for size in ({"width": 2000, "height": 1500}, {"width": 1101, "height": 1531}):
        page, _ = written(**size, height_of_digit=50, columns=9, rows=7)
        gray = to_input(page, ImageInput(*page.shape[:2], 1))
        gray[: gray.shape[0] // 2, gray.shape[1] // 2 :] = 240  # nothing to see there
        expected, record = looked_at(gray)
        found.append((expected, record))
        cases.append({"image": packed(gray), "record": record})
    body = """
      const told = [];
      let turn = 0;
      const detect = async (frame) => {
        const { shape, digest, boxes, scores } = given.record[turn];
        const here = createHash("sha256").update(frame.pixels).digest("hex");
        if (here !== digest) throw new Error(`look ${turn} is of other pixels, ${frame.height} x ${frame.width}`);
        turn += 1;
        return boxes.map((box, index) => ({ box, score: scores[index], crop: [turn - 1, index] }));
      };
      const found = await looks.detectClosely(image(given.image), 1, detect, (...counts) => told.push(counts) > 0);
      return { found, told };"""
    for (expected, record), told in zip(found, javascript(body, cases), strict=True):
        height, width, _ = record[0]["shape"]
        assert 4 < len(record) < len(looks(width, height, 1.0))
        assert told["told"] == [[turn, len(record)] for turn in range(len(record) + 1)]
        assert [one["crop"] for one in told["found"]] == expected.crops_mhwc[:, 0, :2, 0].tolist()
        assert [one["box"] for one in told["found"]] == expected.boxes_m4.tolist()
        assert [one["score"] for one in told["found"]] == expected.scores_m.tolist()
        assert [one["scale"] for one in told["found"]] == expected.scale_m.tolist()
        assert len(expected) < sum(len(look["boxes"]) for look in record)


def test_a_picture_that_is_wanted_no_more_is_looked_at_no_further(javascript: Javascript) -> None:
    body = """
      let turns = 0;
      const detect = async () => { turns += 1; return []; };
      const found = await looks.detectClosely(image(given), 1, detect, (done) => done < 3);
      return [found, turns];"""
    assert javascript(body, [packed(picture(1500, 2000, 1))]) == [[None, 3]]


def signed_lines() -> Iterator[tuple[Pixels, list[tuple[float, float, float, float]]]]:
    """Lines with signs and without, in every pen, dark and light, small and large, and noise."""
    texts = [*SIGNED, "4,86", "1172", "12 -5", "3=8", "4/6", "42 2451", "858 75180"]
    for index, ((name, pen), text) in enumerate(itertools.product(PENS.items(), texts)):
        tones = {"ink": 220.0, "ground": 40.0} if index % 3 == 0 else {}
        yield page(text, pen, [13, 21, 34, 60, 110, 210][index % 6], seed=index + len(name), **tones)
    draw = np.random.default_rng(3)
    for height in (5, 60):
        noise_hw = draw.integers(0, 256, (height, 90), np.uint8)
        yield noise_hw, [(5.0, 5.0, 20.0, 30.0), (40.0, 8.0, 18.0, 31.0), (70.0, 2.0, 18.0, 35.0)]


def test_signs_are_those_of_python(javascript: Javascript) -> None:
    lines = list(signed_lines())
    body = """
      const order = reading.readingOrder(given.boxes);
      const gaps = signs.gapsOf(given.boxes, order);
      const found = signs.placed(signs.readSigns(image(given.image), gaps), gaps);
      return [found, reading.textOf(given.boxes.map((_, index) => `${index % 10}`), given.boxes, order, found)];"""
    cases = [{"image": packed(gray_hw[..., None]), "boxes": boxes} for gray_hw, boxes in lines]
    seen: set[str] = set()
    for (gray_hw, boxes), (found, text) in zip(lines, javascript(body, cases), strict=True):
        order = reading_order(np.array(boxes, np.float32))
        gaps = gaps_of(boxes, order)
        expected = placed(read_signs(gray_hw, gaps), gaps)
        assert [(sign["label"], sign["before"]) for sign in found] == [(sign.label, sign.before) for sign in expected]
        for sign, wanted in zip(found, expected, strict=True):
            assert sign["box"] == pytest.approx(wanted.box, rel=1e-12)
        labels = [str(index % 10) for index in range(len(boxes))]
        assert text == text_of(labels, np.array(boxes, np.float32), order, expected)
        seen |= {sign.label for sign in expected}
    assert seen == {*SIGNS, BLANK}


def test_letters_of_words_are_those_of_python(javascript: Javascript) -> None:
    made = [
        lettered(text, read, height=height, dark=index % 2 == 0, slope=[0.0, 0.1, -0.07][index % 3])
        for index, ((text, read, _), height) in enumerate(itertools.product(WORDS, [13.0, 31.0, 90.0, 230.0]))
    ]
    made += [lettered("8 3 5", "x x x", border=True), lettered("TOTALSUM 48 60", " x       xx xx", slope=0.1)]
    draw = np.random.default_rng(6)
    for _ in range(60):
        corner_n2, sides_n2 = draw.uniform((0, 0), (300, 100), (9, 2)), draw.uniform((4, 15), (30, 40), (9, 2))
        labels = [str(label) for label in draw.integers(0, 10, 9)]
        gray_hw = (draw.integers(0, 2, (15, 40), np.uint8) * 200).repeat(10, axis=0).repeat(9, axis=1)
        made.append((gray_hw, np.column_stack([corner_n2, sides_n2]).astype(np.float32), labels))
    body = """
      const { image: gray, boxes, labels } = given;
      return lettering.inWords(image(gray), boxes, labels, reading.readingOrder(boxes));"""
    cases = [
        {"image": packed(gray[..., None]), "boxes": boxes.tolist(), "labels": labels} for gray, boxes, labels in made
    ]
    expected = [in_words(gray, boxes, labels, reading_order(boxes)).tolist() for gray, boxes, labels in made]
    assert javascript(body, cases) == expected
    assert 20 < sum(map(sum, expected)) < sum(map(len, expected)) - 20


def test_signs_are_remembered_as_in_python(javascript: Javascript) -> None:
    draw = np.random.default_rng(8)
    films = [
        [
            [
                {"label": SIGNS[draw.integers(2)], "box": [float(x), 50.0, 6.0, 6.0], "height": 40.0}
                for x in draw.permutation([10, 15, 90, 200])[: draw.integers(4)]
            ]
            for _ in range(8)
        ]
        for _ in range(20)
    ]
    body = "const remember = signs.signMemory({ shownAfter: 2 }); return given.map(remember);"
    for frames, told in zip(films, javascript(body, films), strict=True):
        memory = Memory()
        for frame, found in zip(frames, told, strict=True):
            marks = [Mark(mark["label"], tuple(mark["box"]), mark["height"]) for mark in frame]
            expected = [(mark.label, list(mark.box)) for mark in memory.update(marks, 2)]
            assert [(mark["label"], mark["box"]) for mark in found] == expected


SQUARE, WIDE = {"width": 300, "height": 300}, {"width": 400, "height": 300}


@pytest.mark.parametrize(
    ("size", "looks", "window", "options", "said"),
    [
        (WIDE, (1, 1), None, {}, ""),
        (WIDE, None, {"width": 300, "height": 300}, {}, "Only what is framed was classified: 300 × 300 of 400 × 300"),
        (SQUARE, None, {"width": 300, "height": 300}, {}, ""),
        (
            {"width": 1280, "height": 960},
            (10, 10),
            None,
            {},
            "Looked at as a whole and in 9 parts, down to its pixels.",
        ),
        (
            {"width": 1280, "height": 960},
            (7, 10),
            None,
            {},
            "Looked at as a whole and in 6 parts, down to its pixels; 3 more show nothing.",
        ),
        ({"width": 640, "height": 480}, (1, 1), None, {"video": True}, ""),
        ({"width": 720, "height": 1280}, (1, 1), None, {"video": True}, "Looked at once, at 640 of 1280 pixels: small"),
        (WIDE, (1, 1), None, {"scaledFrom": SQUARE}, "Read at 400 × 300 pixels, scaled down from 300 × 300."),
    ],
)
def test_what_was_not_looked_at_is_said(
    javascript: Javascript, size: object, looks: tuple[int, int] | None, window: object, options: object, said: str
) -> None:
    result = {"size": size, "looks": looks and dict(zip(("done", "all"), looks, strict=True)), "window": window}
    (found,) = javascript(
        "return boxes.lookedAt(given.result, given.options);", [{"result": result, "options": options}]
    )
    assert found.startswith(said)
    assert bool(found) == bool(said)


def film(draw: np.random.Generator) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Boxes and probabilities of twelve frames: digits that move, vanish for a while, and flicker."""
    places = draw.uniform(0, 200, (8, 2)) * (1, 0.5)
    frames = []
    for _ in range(12):
        places += draw.normal(0, 2, places.shape)
        there = draw.permutation(np.flatnonzero(draw.random(8) < 0.7))
        boxes = np.concatenate([places[there], draw.normal(25, 1, (len(there), 2))], axis=1)
        probabilities = draw.dirichlet(np.full(11, 0.2), len(there))
        frames.append((boxes.astype(np.float32), probabilities.astype(np.float32)))
    return frames


def test_digits_are_followed_and_voted_on_as_in_python(javascript: Javascript) -> None:
    draw = np.random.default_rng(6)
    films = [film(draw) for _ in range(20)]
    body = """
      const memory = tracking.memory({ shownAfter: 2 });
      return given.map((sights) => {
        const ofSight = memory.update(sights);
        const tracks = memory.tracks();
        return structuredClone({ track: ofSight.map((track) => tracks.indexOf(track)), tracks });
      });"""
    cases = [
        [[{"box": b, "probabilities": p} for b, p in zip(*map(np.ndarray.tolist, frame), strict=True)] for frame in one]
        for one in films
    ]
    hidden = 0
    for one, told in zip(films, javascript(body, cases), strict=True):
        tracker = Tracker(11)
        for frame, found in zip(one, told, strict=True):
            assert found["track"] == tracker.update(*frame).tolist()
            for key, expected in (("box", tracker.boxes_t4), ("probabilities", tracker.probabilities_tk)):
                rows = [list(track[key]) for track in found["tracks"]]
                np.testing.assert_allclose(np.reshape(rows, expected.shape), expected, atol=1e-4)
            assert [track["shown"] for track in found["tracks"]] == (tracker.seen_t >= 2).tolist()
            hidden += (tracker.seen_t < 2).sum()
    assert hidden > 50


def test_what_is_too_unsure_is_what_it_is_in_front_of_the_webcam() -> None:
    text = (SOURCE / "src" / "recognize.js").read_text(encoding="utf-8")
    assert f"const MIN_SCORE = {MIN_SCORE};" in text
    assert f"const MIN_PROBABILITY = {MIN_PROBABILITY};" in text
    assert f"const MIN_CONFIDENCE = {MIN_CONFIDENCE};" in text
    assert f"shownAfter: {SHOWN_AFTER} }}" in (SOURCE / "src" / "filming.js").read_text(encoding="utf-8")
