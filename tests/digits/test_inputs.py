"""What people point a camera at, and what failed there once; beside it what one look gives, or a classifier of MNIST's.

docs/how-to/read-digits.md has a table of all of them; those that are not here are beside what mended them.
"""

import dataclasses
import itertools
from difflib import SequenceMatcher

import numpy as np
import pytest
from digits.signed import page
from digits.written import DIGIT_OF_EM, FONT, typed
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from edgecnn.digits import Reader
from edgecnn.digits.pages.strokes import Segments
from edgecnn.digits.pages.writing import Pen
from edgecnn.runtime.detector import Detector, load_detector

Color = tuple[int, int, int]


@pytest.fixture(scope="module")
def finder() -> Detector:
    return load_detector("digit-finder", threads=1)


@pytest.fixture(scope="module")
def reader(finder: Detector) -> Reader:
    return Reader(finder, "digits-webcam")


def same(found: str, there: str) -> int:
    """How many digits of a text were read, in their order."""
    return sum(block.size for block in SequenceMatcher(None, found, there, autojunk=False).get_matching_blocks())


# --- digits that fill the frame


@pytest.mark.parametrize("width", [640, 1600])
@pytest.mark.parametrize(("text", "height"), [("2745", 0.27), ("83", 0.5), ("6", 0.7)])
def test_digits_that_fill_the_frame_are_read_as_in_a_smaller_picture(
    reader: Reader, text: str, height: float, width: int
) -> None:
    """``height`` is in widths of the frame."""
    frame = typed([text], height_of_digit=height * width, size=(width * 3 // 4, width))
    assert reader.read(frame[::4, ::4]).text == text
    assert reader.read(frame).text == text


# --- displays

SLIM, LEANING = Segments(thick=8, gap=2), Pen("segments", "print", 1, segments=Segments(thick=10), shear=0.17, gap=0.2)
UPRIGHT = dataclasses.replace(LEANING, segments=SLIM, shear=0.0)
LOOKS: dict[str, tuple[Pen, Color, Color]] = {  # the pen, the ink and the ground
    "LCD": (UPRIGHT, (40, 46, 40), (150, 165, 140)),
    "leaning LCD with unlit segments": (dataclasses.replace(LEANING, unlit=0.12), (30, 34, 30), (165, 176, 150)),
    "red LED": (LEANING, (250, 60, 40), (30, 8, 8)),
    "green LED in wide cells": (dataclasses.replace(UPRIGHT, gap=0.5), (70, 250, 120), (5, 20, 10)),
    "blue LED with unlit segments": (dataclasses.replace(LEANING, unlit=0.08), (120, 170, 255), (8, 12, 40)),
}


def displayed(text: str, look: str, height: float, *, glare: float = 0.0) -> NDArray[np.uint8]:
    """Return a photograph of a display, uint8 (H, W, 3), with a lamp's light on it."""
    pen, ink, ground = LOOKS[look]
    gray_hw, _ = page(text, pen, height, ink=0, ground=200)
    share_hw1 = (1 - gray_hw.astype(np.float32) / 200).clip(0, 1)[..., None]
    frame = np.array(ground) + share_hw1 * (np.array(ink, np.float32) - ground)
    high, wide = gray_hw.shape
    y_hw, x_hw = np.mgrid[:high, :wide]
    lamp_hw = glare * np.exp(-(((x_hw - 0.6 * wide) / (0.2 * wide)) ** 2) - ((y_hw - 0.4 * high) / high) ** 2)
    frame += lamp_hw[..., None] * (255 - frame)
    return (frame + np.random.default_rng(1).normal(0, 2, frame.shape)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("look", LOOKS)
def test_displays_are_read(finder: Detector, reader: Reader, look: str) -> None:
    """By a classifier that has learned displays, as by one that has not; some unlit segments are still a 1."""
    others, there, found, before = Reader(finder, "mnist-best"), 0, 0, 0
    for text, height, glare in itertools.product(["1728", "40.96", "11:53"], [24, 60, 150], [0.0, 0.4]):
        frame = displayed(text, look, height, glare=glare)
        bare = "".join(sign for sign in text if sign.isdigit())
        there += len(bare)
        found += same("".join(digit.label for digit in reader.read(frame).digits), bare)
        before += same("".join(digit.label for digit in others.read(frame).digits), bare)
    assert found >= 0.97 * there
    assert before < found


def drums(text: str, height: int) -> NDArray[np.uint8]:
    """Return white digits on red drums behind windows, uint8 (H, W, 3), with their neighbors at the edges."""
    wide, tall = round(0.95 * height), round(1.6 * height)
    meter = Image.new("RGB", (round((len(text) + 1) * 1.25 * height), 3 * height), (25, 25, 28))
    font = ImageFont.truetype(FONT.replace(".ttf", "-Bold.ttf"), height / DIGIT_OF_EM)
    for place, label in enumerate(text):
        drum = Image.new("RGB", (wide, tall), (150, 20, 25))
        for step in (-1, 0, 1):
            at, shown = (wide / 2, tall * (0.5 + 0.95 * step)), str((int(label) + step) % 10)
            ImageDraw.Draw(drum).text(at, shown, fill=(240, 235, 235), font=font, anchor="mm")
        meter.paste(drum, (round((0.6 + 1.25 * place) * height), round(0.7 * height)))
    noisy = np.asarray(meter) + np.random.default_rng(0).normal(0, 4, (meter.height, meter.width, 3))
    return noisy.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("height", [20, 60])
@pytest.mark.parametrize("text", ["30847", "16902", "25118"])
def test_white_digits_on_the_red_drums_of_a_meter_are_read(reader: Reader, text: str, height: int) -> None:
    assert reader.read(drums(text, height)).text.replace(" ", "") == text


# --- lettering


@pytest.mark.parametrize(
    ("text", "read"), [("TOTAL 4.86", "4.86"), ("GALLONS 20", "20"), ("SUDOKU 9", "9"), ("OREGON 15", "15")]
)
def test_letters_of_words_are_no_digits(reader: Reader, text: str, read: str) -> None:
    assert reader.read(typed([text], height_of_digit=40)).text == read


def test_the_classifier_by_itself_takes_some_letters_for_digits(reader: Reader) -> None:
    reading = reader.read(typed(["TOTAL 4.86", "OREGON 15", "MOTOR 7"], height_of_digit=40))
    assert sum(one.accepted for one in reading.seen) > len(reading.digits) == len("486157")


# --- signs


def test_a_decimal_point_is_read(reader: Reader) -> None:
    reading = reader.read(typed(["4.86", "12:45", "-1,50"], height_of_digit=40))
    assert "".join(digit.label for digit in reading.digits) == "4861245150"  # all that there was before
    assert reading.text == "4.86\n12:45\n-1,50"


# --- small and touching print


SMALL = ["12.04.2026 17:35", "0 800 246 80 13", "4 x 19.95 = 79.80", "ISBN 978 3 16 148410 0"]


def share_read(reader: Reader, frame: NDArray[np.uint8], *, detail: float = 1.0) -> float:
    """How many of the digits of small print were read."""
    there = "".join(sign for line in SMALL for sign in line if sign.isdigit())
    reading = reader.read(frame, detail=detail)
    return same("".join(digit.label for digit in reading.digits), there) / len(there)


@pytest.mark.parametrize(("height", "least"), [(14, 0.97), (12, 0.9), (10, 0.7)])
@pytest.mark.parametrize("bold", [False, True], ids=["", "bold"])
def test_small_print_is_read(reader: Reader, height: int, least: float, bold: bool) -> None:
    assert share_read(reader, typed(SMALL, height_of_digit=height, bold=bold)) >= least


@pytest.mark.parametrize("bold", [False, True], ids=["", "bold"])
def test_small_print_in_a_still_is_read_where_one_look_lost_it(reader: Reader, bold: bool) -> None:
    frame = typed(SMALL, height_of_digit=13, size=(1050, 1400), bold=bold)
    assert share_read(reader, frame, detail=0) < 0.3
    assert share_read(reader, frame) >= 0.95


@pytest.mark.parametrize("height", [16, 24, 48])
def test_touching_print_is_read(finder: Detector, reader: Reader, height: int) -> None:
    lines = ["2026", "7358", "4069"]
    frame = typed(lines, height_of_digit=height, bold=True, spacing=-0.12)
    assert reader.read(frame).text.split("\n") == lines
    assert Reader(finder, "mnist-best").read(frame).text.split("\n") != lines
