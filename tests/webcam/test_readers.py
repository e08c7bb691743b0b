"""Whole frames are classified like pictures, and vote; each model gets the reader that it needs."""

import numpy as np
import pytest

import edgecnn
from edgecnn.card import ImageInput
from edgecnn.digits import VideoReader
from edgecnn.runtime.image import to_input
from edgecnn.webcam.readers import FrameReader, StillReader, center_window, open_reader


@pytest.mark.parametrize("size", [(60, 80), (80, 60), (50, 50), (1, 9), (37, 111)])
@pytest.mark.parametrize("wanted", [ImageInput(28, 28, 1), ImageInput(16, 32, 3)])
def test_the_center_window_is_the_references(size: tuple[int, int], wanted: ImageInput) -> None:
    """Outside of it nothing counts, inside of it every pixel does."""
    x, y, width, height = (int(value) for value in center_window(*size, wanted))
    inside = np.zeros((*size, 3), np.uint8)
    inside[y : y + height, x : x + width] = 255
    assert to_input(inside, wanted).min() == 255
    assert (width, height) == (size[1], size[0]) or width == size[1] or height == size[0]


def test_a_whole_frame_is_classified_like_a_picture(classifier: edgecnn.Classifier, digits) -> None:
    frame = np.zeros((28, 48, 3), np.uint8)
    frame[:, 10:38] = digits["4"][..., None]
    reading = FrameReader(classifier, min_probability=0).read(frame)
    (digit,) = reading.digits
    assert (reading.text, digit.label, digit.box, reading.rejected) == ("4", "4", (10, 0, 28, 28), 0)
    assert digit.probability == pytest.approx(classifier.predict(frame, bgr=True).probability, abs=1e-6)


def test_the_last_whole_frames_vote(classifier: edgecnn.Classifier, digits) -> None:
    reader = FrameReader(classifier, min_probability=0)
    frames = [np.repeat(digits[label][..., None], 3, axis=2) for label in "444944"]
    assert [reader.read(frame).text for frame in frames] == ["4"] * 6


def test_an_unsure_whole_frame_is_rejected(classifier: edgecnn.Classifier) -> None:
    reading = FrameReader(classifier, min_probability=0.999).read(np.full((40, 40, 3), 128, np.uint8))
    assert (reading.text, reading.digits, reading.rejected) == ("", (), 1)


def test_a_color_models_colors_arrive_in_its_order(classifier: edgecnn.Classifier) -> None:
    frame_bgr = np.zeros((28, 28, 3), np.uint8)
    frame_bgr[..., 2] = 255  # red
    (seen,) = FrameReader(classifier, min_probability=0).read(frame_bgr, bgr=True).seen
    assert np.unique(seen.crop_hwc).tolist() == [76]  # red's share of gray


@pytest.mark.parametrize(
    ("still", "whole", "expected"),
    [
        (True, False, StillReader),
        (False, False, VideoReader),
        (True, True, FrameReader),
        (False, True, FrameReader),
    ],
)
def test_a_digit_model_gets_the_detector_unless_the_whole_frame_is_asked_for(
    still: bool, whole: bool, expected: type
) -> None:
    reader = open_reader("digits-webcam", "digit-finder", still=still, whole=whole, threads=1)
    assert type(reader) is expected
