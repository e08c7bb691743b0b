"""A frame read: found, classified in one batch, rejected where it is no digit, voted on, in reading order."""

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import pytest
from digits.drawn import CELL, box_at, frame_with, write_finder
from onnx import numpy_helper

import edgecnn
from edgecnn import zoo
from edgecnn.card import ImageInput, ModelCard
from edgecnn.digits.reading import (
    LEAST_CONTRAST,
    DigitReader,
    FrameReader,
    centre_window,
    ink,
    wants_ink,
)
from edgecnn.errors import ModelError, SourceError
from edgecnn.runtime.finder import Finder, load_finder
from edgecnn.runtime.image import to_input


@pytest.fixture(scope="session")
def finder(finder_file: Path) -> Finder:
    return load_finder(finder_file, threads=1)


@pytest.fixture
def reader(finder: Finder, classifier: edgecnn.Classifier) -> DigitReader:
    """For still pictures: shown at once."""
    return DigitReader(finder, classifier, min_score=0.3, min_probability=0.7, shown_after=1)


def changed(model: edgecnn.Classifier, card: ModelCard) -> edgecnn.Classifier:
    """The network of a model behind another card."""
    proto = onnx.load(zoo.find(f"{model.card.name}/fp32"))
    onnx.helper.set_model_props(proto, card.metadata())
    return edgecnn.load(proto.SerializeToString(), threads=1)


def labelled(model: edgecnn.Classifier, **names: str) -> edgecnn.Classifier:
    """The same network with other names for some classes: ``d7="none"``."""
    labels = [names.get(f"d{label}", label) for label in model.labels]
    return changed(model, dataclasses.replace(model.card, labels=labels))


def of_size_14(card: ModelCard) -> edgecnn.Classifier:
    """A linear model on 14x14 pixels that knows nothing, behind the contract."""
    weights = np.random.default_rng(0).normal(size=(14 * 14, 10)).astype(np.float32) / 1000
    shape = np.array([-1, 14 * 14])
    graph = onnx.parser.parse_graph(
        """small (uint8[N, 14, 14, 1] image) => (float[N, 10] logits, float[N, 10] probabilities) {
            pixels = Cast<to: int = 1>(image)
            flat = Reshape(pixels, shape)
            logits = MatMul(flat, weights)
            probabilities = Softmax(logits)
        }"""
    )
    graph.initializer.extend([numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(shape, "shape")])
    proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)], ir_version=10)
    golden = dataclasses.replace(card.golden, images_nhwc=card.golden.images_nhwc[:, ::2, ::2])
    small = dataclasses.replace(card, input=ImageInput(14, 14, 1), golden=golden)
    onnx.helper.set_model_props(proto, small.metadata())
    return edgecnn.load(proto.SerializeToString(), threads=1)


@pytest.mark.parametrize("dark", [True, False], ids=["dark on light", "light on dark"])
def test_a_frame_reads_as_it_was_written(reader: DigitReader, digits, dark: bool) -> None:
    reading = reader.read(frame_with(digits, ["0123", "45 67", "89"], size=(192, 256), dark=dark))
    assert reading.text == "0123\n45 67\n89"
    assert [digit.label for digit in reading.digits] == list("0123456789")
    assert reading.rejected == 0


def test_boxes_are_in_pixels_of_the_frame(reader: DigitReader, digits) -> None:
    reading = reader.read(frame_with(digits, ["12", " 3"]))
    assert [list(digit.box) for digit in reading.digits] == [box_at(1, 1), box_at(1, 2), box_at(2, 2)]


def test_a_wide_gap_is_a_space(reader: DigitReader, digits) -> None:
    assert reader.read(frame_with(digits, ["12  34"])).text == "12 34"


def test_an_empty_frame_has_no_digits(reader: DigitReader) -> None:
    reading = reader.read(np.full((96, 128, 3), 200, np.uint8))
    assert (reading.text, reading.digits, reading.rejected, reading.seen) == ("", (), 0, ())


def test_probabilities_are_what_the_classifier_says_of_the_crop(
    reader: DigitReader, classifier: edgecnn.Classifier, digits
) -> None:
    reading = reader.read(frame_with(digits, ["5"], dark=False))
    (seen,), (digit,) = reading.seen, reading.digits
    assert seen.crop_hwc.shape == (28, 28, 1)
    assert seen.accepted
    assert digit.probability == pytest.approx(classifier.predict(seen.crop_hwc).probability, abs=1e-6)


def test_what_is_below_the_probability_is_rejected_and_counted(
    finder: Finder, classifier: edgecnn.Classifier, digits
) -> None:
    reader = DigitReader(finder, classifier, min_score=0.3, min_probability=0.999, shown_after=1)
    reading = reader.read(frame_with(digits, ["123"]))
    assert (reading.text, reading.digits, reading.rejected) == ("", (), 3)
    assert [seen.accepted for seen in reading.seen] == [False] * 3


def test_what_is_below_the_score_is_rejected_and_never_classified(
    finder: Finder, classifier: edgecnn.Classifier, digits
) -> None:
    frame = frame_with(digits, ["12"], dark=False)
    frame[CELL : 2 * CELL, CELL : 2 * CELL] //= 2  # the first one is half as bright: its score is 0.5
    reading = DigitReader(finder, classifier, min_score=0.6, min_probability=0.5, shown_after=1).read(frame)
    assert (reading.text, reading.rejected, len(reading.seen)) == ("2", 1, 1)


def test_what_the_classifier_calls_none_is_rejected_however_sure_it_is(
    finder: Finder, classifier: edgecnn.Classifier, digits
) -> None:
    reader = DigitReader(finder, labelled(classifier, d7="none"), min_score=0.3, min_probability=0.0, shown_after=1)
    reading = reader.read(frame_with(digits, ["173"]))
    assert (reading.text, reading.rejected) == ("1 3", 1)
    assert [seen.label for seen in reading.seen if not seen.accepted] == ["none"]


def test_in_a_video_a_digit_is_shown_from_its_second_frame_to_the_first_without(
    finder: Finder, classifier: edgecnn.Classifier, digits
) -> None:
    reader = DigitReader(finder, classifier, min_score=0.3, min_probability=0.7, shown_after=2)
    there, empty = frame_with(digits, ["42"]), frame_with(digits, [])
    texts = [reader.read(frame).text for frame in (there, there, there, empty, empty, empty)]
    assert texts == ["", "42", "42", "42", "", ""]


def test_a_single_frame_that_says_otherwise_is_outvoted(finder: Finder, classifier: edgecnn.Classifier, digits) -> None:
    reader = DigitReader(finder, classifier, min_score=0.3, min_probability=0.4, shown_after=2)
    lines = ["3", "3", "3", "8", "3"]
    assert [reader.read(frame_with(digits, [line])).text for line in lines] == ["", "3", "3", "3", "3"]


def test_a_classifier_of_another_input_size_gets_resized_crops(
    finder: Finder, classifier: edgecnn.Classifier, digits
) -> None:
    reader = DigitReader(finder, of_size_14(classifier.card), min_score=0.3, min_probability=0.0, shown_after=1)
    assert [seen.crop_hwc.shape for seen in reader.read(frame_with(digits, ["12"])).seen] == [(14, 14, 1)] * 2


def test_a_frame_of_a_size_that_the_finder_does_not_take_is_told(
    classifier: edgecnn.Classifier, tmp_path: Path
) -> None:
    finder = load_finder(write_finder(tmp_path / "one-size.onnx", frame=(96, 128)), threads=1)
    reader = DigitReader(finder, classifier, min_score=0.3, min_probability=0.7, shown_after=1)
    with pytest.raises(SourceError, match=r"^a frame of 5x3 pixels: the finder does not take it \(.+\)\. Expected"):
        reader.read(np.zeros((3, 5, 3), np.uint8))


def test_a_classifier_of_other_things_than_digits_is_refused(finder: Finder, classifier: edgecnn.Classifier) -> None:
    pets = labelled(classifier, d3="cat", d4="dog")
    with pytest.raises(ModelError, match=r"mnist-compact: reads cat, dog, and what is found .* --whole"):
        DigitReader(finder, pets, min_score=0, min_probability=0, shown_after=1)


# Ink


def test_a_classifier_of_white_digits_on_black_wants_ink(classifier: edgecnn.Classifier) -> None:
    assert wants_ink(classifier)


@pytest.mark.parametrize(("paper", "pen"), [(230, 40), (30, 220), (150, 100)])
def test_ink_is_white_on_black_whatever_the_paper(paper: int, pen: int) -> None:
    crop = np.full((1, 28, 28, 1), paper, np.uint8)
    crop[0, 8:20, 12:16] = pen
    wanted = np.where(crop == pen, 255, 0)
    np.testing.assert_array_equal(ink(crop), wanted)


def test_an_empty_crop_has_no_ink() -> None:
    noise = np.random.default_rng(0).integers(118, 123, (4, 28, 28, 1)).astype(np.uint8)
    assert LEAST_CONTRAST > 5
    assert ink(noise).max() == 0


# The whole frame


@pytest.mark.parametrize("size", [(60, 80), (80, 60), (50, 50), (1, 9), (37, 111)])
@pytest.mark.parametrize("wanted", [ImageInput(28, 28, 1), ImageInput(16, 32, 3)])
def test_the_centre_window_is_the_references(size: tuple[int, int], wanted: ImageInput) -> None:
    """Outside of it nothing counts, inside of it every pixel does."""
    x, y, width, height = (int(value) for value in centre_window(*size, wanted))
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


def test_a_colour_models_colours_arrive_in_its_order(classifier: edgecnn.Classifier) -> None:
    frame_bgr = np.zeros((28, 28, 3), np.uint8)
    frame_bgr[..., 2] = 255  # red
    (seen,) = FrameReader(classifier, min_probability=0).read(frame_bgr).seen
    assert np.unique(seen.crop_hwc).tolist() == [76]  # red's share of gray
