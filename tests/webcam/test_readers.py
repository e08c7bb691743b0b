"""Whole frames are classified like pictures, and vote; each model gets the reader that it needs."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

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


ONE = [[(0.5, 0.2), (0.49, 0.8)]]
THREE = [[(0.3, 0.25), (0.5, 0.18), (0.65, 0.3), (0.5, 0.47), (0.68, 0.62), (0.55, 0.8), (0.3, 0.75)]]
FIVE = [[(0.65, 0.2), (0.38, 0.2), (0.36, 0.45), (0.58, 0.45), (0.66, 0.62), (0.55, 0.8), (0.33, 0.77)]]
SEVEN = [[(0.3, 0.22), (0.68, 0.2), (0.45, 0.82)]]


def written(strokes: list, *, size: tuple[int, int], place: tuple[int, int, int], light: bool) -> np.ndarray:
    """A pen's strokes in a square (x, y, side) of a paper on which light falls from one side; (H, W, 3)."""
    wide, tall = size
    x, y, side = place
    ink = Image.new("L", size, 0)
    for stroke in strokes:
        points = [(x + side * a, y + side * b) for a, b in stroke]
        ImageDraw.Draw(ink).line(points, fill=255, width=max(3, side // 14), joint="curve")
    share = np.asarray(ink.filter(ImageFilter.GaussianBlur(1)), np.float32) / 255
    paper = np.linspace(150, 215, wide, dtype=np.float32)[None] + np.zeros((tall, 1), np.float32)
    gray = paper + share * (40 - paper)
    noisy = gray + np.random.default_rng(0).normal(0, 3, gray.shape)
    return np.repeat(np.clip(255 - noisy if light else noisy, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("light", [False, True], ids=["dark on light", "light on dark"])
@pytest.mark.parametrize("place", [(200, 120, 240), (40, 260, 160), (150, 20, 420)], ids=["middle", "corner", "large"])
@pytest.mark.parametrize(("label", "strokes"), [("1", ONE), ("3", THREE), ("5", FIVE), ("7", SEVEN)])
def test_one_digit_that_was_drawn_is_read_whole(
    label: str, strokes: list, place: tuple[int, int, int], light: bool
) -> None:
    """As an image of MNIST's model, wherever it stands on the paper; the box is around its ink."""
    frame = written(strokes, size=(640, 480), place=place, light=light)
    reading = open_reader("mnist-best", "digit-finder", still=False, whole=True, threads=1).read(frame, bgr=True)
    assert reading.text == label
    (digit,), (seen,) = reading.digits, reading.seen
    x, y, width, height = digit.box
    xs, ys = zip(*(point for stroke in strokes for point in stroke), strict=True)
    expected = [place[0] + place[2] * min(xs), place[1] + place[2] * min(ys)]
    np.testing.assert_allclose((x, y), expected, atol=0.08 * place[2])
    np.testing.assert_allclose(height, place[2] * (max(ys) - min(ys)), atol=0.12 * place[2])
    assert width < 480
    rows = np.flatnonzero(seen.crop_hwc.any(axis=(1, 2)))
    assert 18 <= rows[-1] - rows[0] + 1 <= 21


def test_one_drawn_digit_was_a_guess_where_the_middle_of_its_frame_was_classified() -> None:
    model, drawn = edgecnn.load("mnist-best"), {"1": ONE, "3": THREE, "5": FIVE, "7": SEVEN}
    frames = {label: written(drawn[label], size=(640, 480), place=(40, 260, 160), light=False) for label in drawn}
    assert sum(model.predict(frame).label == label for label, frame in frames.items()) <= 1


def test_a_single_frame_is_read_as_a_picture_and_not_as_a_video_whose_next_frame_never_comes() -> None:
    frame = written(SEVEN, size=(640, 480), place=(200, 120, 240), light=False)
    video, still = (open_reader("digits-webcam", "digit-finder", still=is_still) for is_still in (False, True))
    assert (video.read(frame).text, still.read(frame).text) == ("", "7")


def test_a_frame_without_ink_is_classified_as_it_is() -> None:
    frame = np.full((480, 640, 3), 200, np.uint8)
    (seen,) = open_reader("mnist-compact", "digit-finder", still=True, whole=True, threads=1).read(frame).seen
    assert np.unique(seen.crop_hwc).tolist() == [200]


def test_what_is_drawn_is_fitted_for_models_of_digits_on_one_background_alone() -> None:
    frame = written(SEVEN, size=(640, 480), place=(40, 260, 160), light=False)
    for model in ("digits-webcam", "fashion-mnist-best"):
        reader = open_reader(model, "digit-finder", still=True, whole=True, threads=1)
        (seen,) = reader.read(frame).seen
        np.testing.assert_array_equal(seen.crop_hwc, to_input(frame, edgecnn.load(model).card.input))
