"""A large picture looked at in parts: all of it, at every level, and each digit once."""

from dataclasses import replace
from difflib import SequenceMatcher

import numpy as np
import pytest
from digits.written import written
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgecnn.digits import Reader, VideoReader
from edgecnn.digits.looks import NATIVE, OVERLAP, Look, detect, looks
from edgecnn.digits.nested import parts
from edgecnn.runtime.detector import Detections, Detector, load_detector

SIDES = st.integers(1, 9_000)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return load_detector("digit-finder", threads=1)


@pytest.fixture(scope="module")
def reader(detector: Detector) -> Reader:
    return Reader(detector, "digits-webcam")


def levels(found: list[Look]) -> dict[tuple[int, int], list[Look]]:
    """The tiles of each size."""
    by_size: dict[tuple[int, int], list[Look]] = {}
    for look in (look for look in found if look.away == 1):
        by_size.setdefault((look.width, look.height), []).append(look)
    return by_size


@given(SIDES, SIDES, st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_every_level_covers_the_frame_with_tiles_that_overlap(width: int, height: int, detail: float) -> None:
    found = looks(width, height, detail)
    assert (found[0].width, found[0].height) == (width, height)
    for (wide, tall), tiles in levels(found).items():
        for side, tile, starts in ((width, wide, {t.x for t in tiles}), (height, tall, {t.y for t in tiles})):
            ordered = sorted(starts)
            assert ordered[0] == 0
            assert ordered[-1] + tile == side
            gaps = np.diff(ordered)
            assert (gaps <= tile * (1 - OVERLAP) + 1).all()
        assert len(tiles) == len({t.x for t in tiles}) * len({t.y for t in tiles})


@given(SIDES, SIDES)
def test_the_last_level_is_what_a_detector_takes_as_it_is(width: int, height: int) -> None:
    last = looks(width, height, 1)[-1]
    assert max(last.width, last.height) <= NATIVE * 1.01  # a hundredth more is no reason to look again
    assert len(looks(width, height, 0)) == 1


def test_a_picture_of_a_cameras_size_is_looked_at_again_from_farther_away_and_a_small_one_is_not() -> None:
    (whole,) = looks(640, 480, 0)
    assert looks(640, 480, 1) == [whole, replace(whole, away=2)]
    assert len(looks(320, 240, 1)) == 1


@pytest.mark.parametrize("away", [2, 3])
def test_from_farther_away_a_pixel_is_the_mean_of_several(away: int) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (7, 11, 1), np.uint8)
    seen = Look(0, 0, 11, 7, (11, 7), away).of(frame)
    assert seen.shape == (7 // away, 11 // away, 1)
    assert abs(int(seen[1, 2, 0]) - frame[away : 2 * away, 2 * away : 3 * away].mean()) <= 0.5


def test_only_what_fills_a_frame_is_taken_from_farther_away() -> None:
    def same(frame: NDArray[np.uint8]) -> Detections:
        boxes = np.array([[10, 10, 20, 29], [60, 10, 20, 30]], np.float32)
        return Detections(boxes, np.array([0.9, 0.8], np.float32), np.zeros((2, 28, 28, 1), np.uint8))

    frame = np.random.default_rng(0).integers(0, 256, (240, 400, 1), np.uint8)
    found = detect(frame, 1.0, same)
    assert sorted(found.boxes_m4[:, 3].tolist()) == [29, 30, 60]
    assert found.scale_m[found.boxes_m4[:, 3] == 60].tolist() == [2]


def test_what_touches_a_border_inside_the_frame_is_cut_off() -> None:
    corner = Look(0, 0, 100, 100, (200, 200))
    boxes = np.array([[0, 0, 9, 9], [50, 50, 9, 9], [91, 50, 9, 9], [50, 91, 9, 9]], np.float32)
    assert corner.cuts(boxes).tolist() == [False, False, True, True]


@pytest.mark.parametrize("columns", [1, 30], ids=["a large one", "many small ones"])
def test_digits_of_any_size_are_read_in_a_large_picture(reader: Reader, columns: int) -> None:
    page, text = written(
        width=2000, height=1500, height_of_digit=1000 // columns, columns=columns, rows=max(1, columns // 2)
    )
    assert "".join(digit.label for digit in reader.read(page).digits) == text


@pytest.mark.slow
@pytest.mark.parametrize("height_of_digit", [60, 16])
def test_small_digits_of_a_photograph_of_twelve_megapixels_are_read(reader: Reader, height_of_digit: int) -> None:
    page, text = written(width=4000, height=3000, height_of_digit=height_of_digit, columns=26, rows=20)
    assert len(reader.read(page, detail=0).digits) < 0.9 * len(text)
    found = "".join(digit.label for digit in reader.read(page).digits)
    assert len(found) <= len(text)
    same = SequenceMatcher(None, found, text, autojunk=False).get_matching_blocks()
    assert sum(block.size for block in same) >= 0.97 * len(text)


def test_a_video_is_looked_at_once_a_frame(detector: Detector, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def counted(frame: NDArray[np.uint8], *, bgr: bool = False) -> Detections:
        seen.append(frame.shape)
        return Detector.detect(detector, frame, bgr=bgr)

    monkeypatch.setattr(detector, "detect", counted)
    frame, _ = written(width=1280, height=960, height_of_digit=100, columns=4, rows=2)
    VideoReader(reader).read(frame)
    assert seen == [(960, 1280, 1)]
    reader.read(frame)
    assert len(seen) > 2


def test_parts_of_a_frame_that_show_nothing_are_passed_over() -> None:
    seen = []

    def nothing(frame: NDArray[np.uint8]) -> Detections:
        seen.append(frame.shape)
        empty = np.zeros((0, 28, 28, 1), np.uint8)
        return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), empty)

    assert len(detect(np.full((3000, 4000, 1), 200, np.uint8), 1.0, nothing)) == 0
    assert seen == [(3000, 4000, 1)]


@pytest.mark.parametrize("well_seen", [True, False])
def test_inside_a_digit_that_was_seen_well_a_closer_look_shows_its_parts(well_seen: bool) -> None:
    side = 100.0 if well_seen else 40.0  # of a digit where two pixels were one
    boxes = np.array([[0, 0, side, side], [10, 10, 20, 20]], np.float32)
    found = parts(boxes, np.array([0.6, 0.9], np.float32), np.array([8, 1]), np.array([2, 1], np.float32))
    assert found.tolist() == [False, well_seen]
