"""Points, commas, colons and minuses between digits: read where they are, and nowhere else."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from digits.signed import DARK, LIGHT, PENS, PRINT, SIGNED, Box, page
from digits.written import FONT
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from edgecnn.digits import Reader, VideoReader
from edgecnn.digits.order import reading_order, text_of
from edgecnn.digits.pages import paper
from edgecnn.digits.pages.writing import Pen
from edgecnn.digits.signs import BLANK, Gap, Mark, Memory, Sign, gaps_of, placed, read_signs

Pixels = NDArray[np.uint8]


def read(gray_hw: Pixels, boxes: Sequence[Box], labels: str) -> str:
    """The text of a line whose digits are known."""
    boxes_n4 = np.array(boxes, np.float32)
    lines = reading_order(boxes_n4)
    gaps = gaps_of(boxes, lines)
    return text_of(list(labels), boxes_n4, lines, placed(read_signs(gray_hw, gaps), gaps))


def digits_of(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())


@pytest.mark.parametrize("height", [14, 30, 64, 200])
@pytest.mark.parametrize("name", [name for name in PENS if name != "hand"])
def test_numbers_in_a_line_are_apart_where_a_gap_is_wide_and_empty(name: str, height: int) -> None:
    """By hand, digits of one number are now and then as far apart as two numbers."""
    for seed, text in enumerate(["42 2451", "858 75180", "87 409 710 7756", "12:45 3820", "1172", "0123456789"]):
        gray_hw, boxes = page(text, PENS[name], height, seed=seed)
        assert read(gray_hw, boxes, digits_of(text)) == text


@pytest.mark.parametrize("name", PENS)
def test_a_gap_with_something_in_it_is_no_space(name: str) -> None:
    for seed, text in enumerate(["42/2451", "858x75180", "63+2451"]):
        gray_hw, boxes = page(text, PENS[name], 40, seed=seed)
        gaps = gaps_of(boxes, reading_order(np.array(boxes, np.float32)))
        assert BLANK not in [mark.label for mark in read_signs(gray_hw, gaps)]


@pytest.mark.parametrize("dark", [True, False], ids=["dark on light", "light on dark"])
@pytest.mark.parametrize("height", [16, 30, 64, 200])
@pytest.mark.parametrize("name", PENS)
def test_signs_are_read_as_they_were_written(name: str, height: int, dark: bool) -> None:
    tones = (DARK, LIGHT) if dark else (LIGHT, DARK)
    for seed, text in enumerate(SIGNED):
        gray_hw, boxes = page(text, PENS[name], height, ink=tones[0], ground=tones[1], seed=seed)
        assert read(gray_hw, boxes, digits_of(text)) == text


@pytest.mark.parametrize("height", [24, 40, 100])
@pytest.mark.parametrize(("name", "least"), [("print", 4), ("bold", 4), ("hand", 3)])
def test_a_comma_is_no_point(name: str, least: int, height: int) -> None:
    """By hand, where some are as short as a point, most of them."""
    right = 0
    for seed, text in enumerate(["4,86", "1,234", "72,5", "1,234.56"]):
        gray_hw, boxes = page(text, PENS[name], height, seed=seed)
        right += read(gray_hw, boxes, digits_of(text)) == text
    assert right >= least


@pytest.mark.parametrize("height", [14, 30, 64, 200])
@pytest.mark.parametrize("name", PENS)
def test_nothing_stands_where_nothing_was_written(name: str, height: int) -> None:
    for seed, text in enumerate(["486", "1172", "0123456789", "7135 420"]):
        gray_hw, boxes = page(text, PENS[name], height, seed=seed)
        assert read(gray_hw, boxes, digits_of(text)).replace(" ", "") == digits_of(text)


@pytest.mark.parametrize("text", ["4/86", "4+86", "3=86", "3x86", "(86)", "a86", "2 a-5", "7 o.5"])
@pytest.mark.parametrize("height", [24, 60])
def test_other_signs_and_what_belongs_to_words_is_none(text: str, height: int) -> None:
    gray_hw, boxes = page(text, PRINT, height)
    assert read(gray_hw, boxes, digits_of(text)).replace(" ", "") == digits_of(text)


@pytest.mark.parametrize("height", [20, 60])
def test_lines_and_frames_are_no_signs(height: int) -> None:
    """Squares, a line through the digits' middle, a frame around each and a rule below."""
    gray_hw, boxes = page("486", Pen("print", "print", 1, font=FONT, gap=0.5), height)
    for rules in _rules(gray_hw.shape, boxes, height):
        share = rules / 255
        ruled = (gray_hw * (1 - share) + DARK * share).astype(np.uint8)
        assert read(ruled, boxes, "486") == "486"


def _rules(shape: tuple[int, ...], boxes: Sequence[Box], height: float) -> list[Pixels]:
    drawn = [np.zeros(shape, np.uint8) for _ in range(4)]
    wide, middle, base = shape[1], boxes[0][1] + height / 2, boxes[0][1] + height
    width = max(1.0, height * 0.05)
    for x in np.arange(0, wide, height * 0.6):
        paper.line(drawn[0], (x, -5.0), (x, shape[0] + 5.0), width)
        paper.line(drawn[0], (-5.0, x), (wide + 5.0, x), width)
    paper.line(drawn[1], (-5.0, middle), (wide + 5.0, middle), width)
    around = height * 0.2
    for x, y, across, down in boxes:
        corners = [(x - around, y - around), (x + across + around, y - around)]
        corners += [(x + across + around, y + down + around), (x - around, y + down + around)]
        paper.polyline(drawn[2], np.array(corners), width, closed=True)
    paper.line(drawn[3], (-5.0, base + 2), (wide + 5.0, base + 2), width)
    return drawn


@pytest.mark.parametrize("name", PENS)
def test_polarity_changes_nothing(name: str) -> None:
    for seed, text in enumerate([*SIGNED, "4,86", "1172"]):
        gray_hw, boxes = page(text, PENS[name], 37, seed=seed)
        gaps = gaps_of(boxes, reading_order(np.array(boxes, np.float32)))
        one, other = read_signs(gray_hw, gaps), read_signs(255 - gray_hw, gaps)
        assert [mark.label for mark in one] == [mark.label for mark in other]
        np.testing.assert_allclose([mark.box for mark in one], [mark.box for mark in other], atol=37 / 12)


@pytest.mark.parametrize("name", PENS)
def test_gaps_are_read_together_as_each_by_itself(name: str) -> None:
    """Of two scales, so that not all are sampled from one image."""
    gray_hw, boxes = page("1,234.56 12:45 86-17 4/86", PENS[name], 50)
    boxes += [(x, y, width, 0.9 * height) for x, y, width, height in boxes]
    gaps = gaps_of(boxes, np.arange(len(boxes)).reshape(2, -1).tolist())
    assert read_signs(gray_hw, gaps) == [mark for gap in gaps for mark in read_signs(gray_hw, [gap])] != []


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_scale_changes_nothing(factor: int) -> None:
    for seed, text in enumerate([*SIGNED, "4,86", "1172"]):
        gray_hw, boxes = page(text, PRINT, 48, seed=seed)
        larger = np.kron(gray_hw, np.ones((factor, factor), np.uint8))
        moved = [tuple(factor * value for value in box) for box in boxes]
        assert read(larger, moved, digits_of(text)) == read(gray_hw, boxes, digits_of(text)) == text


@pytest.mark.parametrize("degrees", [-12, -5, 5, 12])
def test_a_line_may_lean(degrees: int) -> None:
    for seed, text in enumerate(["4.86", "12:45", "86-17", "1,234.50"]):
        gray_hw, boxes = page(text, PRINT, 40, seed=seed)
        turned = Image.fromarray(gray_hw).rotate(degrees, Image.Resampling.BICUBIC, fillcolor=int(LIGHT))
        angle, middle = -np.deg2rad(degrees), np.array(gray_hw.shape[::-1]) / 2
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        around = []
        for x, y, width, height in boxes:
            corners = np.array(list(itertools.product((x + 0.1 * width, x + 0.9 * width), (y, y + height))))
            seen = (corners - middle) @ rotation.T + middle
            low, high = seen.min(axis=0), seen.max(axis=0)
            around.append((float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])))
        assert read(np.asarray(turned), around, digits_of(text)) == text


def test_the_box_of_a_sign_is_where_it_stands() -> None:
    gray_hw, boxes = page("4.86", PRINT, 64)
    ((label, box),) = [(mark.label, mark.box) for mark in read_signs(gray_hw, gaps_of(boxes, [[0, 1, 2]]))]
    gap_hw = gray_hw[:, int(boxes[0][0] + boxes[0][2]) + 2 : int(boxes[1][0]) - 2] < (DARK + LIGHT) / 2
    rows, columns = np.flatnonzero(gap_hw.any(axis=1)), np.flatnonzero(gap_hw.any(axis=0))
    x = int(boxes[0][0] + boxes[0][2]) + 2 + columns[0]
    assert label == "."
    np.testing.assert_allclose(box, (x, rows[0], columns.size, rows.size), atol=64 / 12)


def test_a_reading_has_signs_beside_its_digits() -> None:
    gray_hw, _ = page("4.86", PRINT, 48)
    reading = Reader("digit-finder", "digits-webcam", threads=1).read(gray_hw)
    assert (reading.text, [digit.label for digit in reading.digits]) == ("4.86", ["4", "8", "6"])
    assert [(sign.label, sign.before) for sign in reading.signs] == [(".", 1)]


def test_a_minus_belongs_to_the_number_that_it_stands_before() -> None:
    image = Image.new("L", (640, 240), int(LIGHT))
    draw, font = ImageDraw.Draw(image), ImageFont.truetype(FONT, 48)
    draw.text((40, 30), "12  -17", fill=int(DARK), font=font)
    draw.text((40, 130), "23 : 5.8", fill=int(DARK), font=font)
    reading = Reader("digit-finder", "digits-webcam", threads=1).read(np.asarray(image))
    assert reading.text == "12 -17\n23:5.8"


def test_signs_stay_in_a_video_where_one_frame_has_them_not() -> None:
    reader = VideoReader(Reader("digit-finder", "digits-webcam", threads=1))
    point, bare = page("4.86", PRINT, 48)[0], page("4.86", PRINT, 48)[0]
    x, y, width, height = Reader("digit-finder", "digits-webcam", threads=1).read(point).signs[0].box
    bare[int(y) - 2 : int(y + height) + 3, int(x) - 2 : int(x + width) + 3] = int(LIGHT)
    frames = [bare, bare, point, bare, bare, point, point, bare, point, bare, bare]
    texts = [reader.read(frame).text for frame in frames]
    assert texts == ["", "486", "486", "486", "486", "486", "4.86", "4.86", "4.86", "486", "486"]


def test_memory_takes_the_label_that_most_frames_have() -> None:
    def mark(label: str) -> Mark:
        return Mark(label, (50, 80, 5, 5), 40)

    memory = Memory()
    shown = [[seen.label for seen in memory.update([mark(label)], 2)] for label in ".,.,,"]
    assert shown == [[], [","], ["."], [","], [","]]


def test_what_lies_in_no_gap_stands_before_no_digit() -> None:
    gap = Gap((0, 0, 20, 40), (40, 0, 20, 40), 1, False)
    marks = [Mark(".", (28, 35, 5, 5), 40), Mark(".", (128, 35, 5, 5), 40)]
    assert placed(marks, [gap]) == [Sign(".", (28, 35, 5, 5), 1)]
    assert placed(marks[1:], [gap]) == []


def test_a_space_stands_between_digits_alone() -> None:
    box = (30.0, 10.0, 10.0, 20.0)
    space = Mark(BLANK, (20, 15, 5, 5), 20)
    assert placed([space], [Gap((5, 10, 10, 20), box, 0, True)]) == []
    assert placed([space], [Gap((5, 10, 10, 20), box, 0, False)]) == [Sign(BLANK, (20, 15, 5, 5), 0)]
