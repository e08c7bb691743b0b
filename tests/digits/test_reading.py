"""A frame read: found, classified in one batch, rejected where it is no digit, voted on, in reading order."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from digits.drawn import CELL, box_at, frame_with, write_detector
from onnx import numpy_helper
from PIL import Image

import edgecnn
from edgecnn import zoo
from edgecnn.card import ImageInput, ModelCard
from edgecnn.digits import Reader, VideoReader
from edgecnn.errors import ImageError, ModelError, SourceError
from edgecnn.runtime.detector import Detector, load_detector


@pytest.fixture(scope="session")
def detector(detector_file: Path) -> Detector:
    return load_detector(detector_file, threads=1)


@pytest.fixture
def reader(detector: Detector, classifier: edgecnn.Classifier) -> Reader:
    return Reader(detector, classifier, min_score=0.3, min_probability=0.7)


def changed(model: edgecnn.Classifier, card: ModelCard) -> edgecnn.Classifier:
    """The network of a model behind another card."""
    proto = onnx.load(zoo.find(f"{model.card.name}/fp32"))
    onnx.helper.set_model_props(proto, card.metadata())
    return edgecnn.load(proto.SerializeToString(), threads=1)


def labeled(model: edgecnn.Classifier, **names: str) -> edgecnn.Classifier:
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
def test_a_frame_reads_as_it_was_written(reader: Reader, digits, dark: bool) -> None:
    reading = reader.read(frame_with(digits, ["0123", "45 67", "89"], size=(192, 256), dark=dark))
    assert reading.text == "0123\n45 67\n89"
    assert [digit.label for digit in reading.digits] == list("0123456789")
    assert reading.rejected == 0


def test_lines_hold_the_digits_of_the_text(reader: Reader, digits) -> None:
    reading = reader.read(frame_with(digits, ["0123", "45 67", "89"], size=(192, 256)))
    assert ["".join(digit.label for digit in line) for line in reading.lines] == ["0123", "4567", "89"]


def test_each_frame_is_read_by_itself(reader: Reader, digits) -> None:
    frames = [frame_with(digits, lines) for lines in (["42"], [], ["17"], ["42"])]
    assert [reader.read(frame).text for frame in frames] == ["42", "", "17", "42"]


def test_threads_share_a_reader(reader: Reader, digits) -> None:
    wanted = [f"{number:02}" for number in range(40)]
    frames = [frame_with(digits, [text]) for text in wanted]
    with ThreadPoolExecutor(4) as pool:
        assert [reading.text for reading in pool.map(reader.read, frames)] == wanted


def test_a_frame_is_an_array_of_any_colors_a_file_or_a_picture(reader: Reader, digits, tmp_path: Path) -> None:
    rgb_hwc = frame_with(digits, ["27", "5"])
    picture = Image.fromarray(rgb_hwc)
    picture.save(tmp_path / "page.png")
    opaque = np.concatenate([rgb_hwc, np.full_like(rgb_hwc[..., :1], 255)], axis=2)
    for frame in (rgb_hwc, rgb_hwc[..., 0], rgb_hwc[..., :1], opaque, picture, tmp_path / "page.png"):
        assert reader.read(frame).text == "27\n5"


def test_colors_come_in_the_order_that_is_said(reader: Reader, digits) -> None:
    """Blue ink is dark and red ink is less so: in the wrong order, crops are others."""
    rgb_hwc = frame_with(digits, ["27"])
    rgb_hwc[..., 2] = 235
    bgr_hwc = rgb_hwc[..., ::-1]
    right, said, unsaid = reader.read(rgb_hwc), reader.read(bgr_hwc, bgr=True), reader.read(bgr_hwc)
    assert right.digits == said.digits
    assert [seen.crop_hwc.tobytes() for seen in right.seen] == [seen.crop_hwc.tobytes() for seen in said.seen]
    assert [seen.crop_hwc.tobytes() for seen in right.seen] != [seen.crop_hwc.tobytes() for seen in unsaid.seen]


def test_what_is_no_frame_is_told(reader: Reader) -> None:
    with pytest.raises(
        ImageError, match=r"^a frame is a numpy array of uint8 pixels 0\.\.255, found an array of float"
    ):
        reader.read(np.zeros((96, 128, 3)))


def test_boxes_are_in_pixels_of_the_frame(reader: Reader, digits) -> None:
    reading = reader.read(frame_with(digits, ["12", " 3"]))
    assert [list(digit.box) for digit in reading.digits] == [box_at(1, 1), box_at(1, 2), box_at(2, 2)]


def test_a_wide_gap_is_a_space(reader: Reader, digits) -> None:
    assert reader.read(frame_with(digits, ["12  34"])).text == "12 34"


def test_an_empty_frame_has_no_digits(reader: Reader) -> None:
    reading = reader.read(np.full((96, 128, 3), 200, np.uint8))
    assert (reading.text, reading.digits, reading.rejected, reading.seen) == ("", (), 0, ())


def test_probabilities_are_what_the_classifier_says_of_the_crop(
    reader: Reader, classifier: edgecnn.Classifier, digits
) -> None:
    reading = reader.read(frame_with(digits, ["5"], dark=False))
    (seen,), (digit,) = reading.seen, reading.digits
    assert seen.crop_hwc.shape == (28, 28, 1)
    assert seen.accepted
    assert digit.probability == pytest.approx(classifier.predict(seen.crop_hwc).probability, abs=1e-6)


def test_what_is_below_the_probability_is_rejected_and_counted(
    detector: Detector, classifier: edgecnn.Classifier, digits
) -> None:
    reader = Reader(detector, classifier, min_score=0.3, min_probability=0.999)
    reading = reader.read(frame_with(digits, ["123"]))
    assert (reading.text, reading.digits, reading.rejected) == ("", (), 3)
    assert [seen.accepted for seen in reading.seen] == [False] * 3


def test_what_is_below_the_score_is_rejected_and_never_classified(
    detector: Detector, classifier: edgecnn.Classifier, digits
) -> None:
    frame = frame_with(digits, ["12"], dark=False)
    frame[CELL : 2 * CELL, CELL : 2 * CELL] //= 2  # the first one is half as bright: its score is 0.5
    reading = Reader(detector, classifier, min_score=0.6, min_probability=0.5).read(frame)
    assert (reading.text, reading.rejected, len(reading.seen)) == ("2", 1, 1)


def test_what_neither_detector_nor_classifier_is_sure_of_is_rejected_and_counted(
    detector: Detector, classifier: edgecnn.Classifier, digits
) -> None:
    frame = frame_with(digits, ["12"], dark=False)
    frame[CELL : 2 * CELL, CELL : 2 * CELL] //= 2  # the first one is half as bright: its score is 0.5
    reading = Reader(detector, classifier, min_confidence=0.6).read(frame)
    assert (reading.text, reading.rejected) == ("2", 1)
    assert [seen.accepted for seen in reading.seen] == [True, False]
    assert Reader(detector, classifier, min_confidence=0.4).read(frame).text == "12"


def test_a_classifier_without_none_takes_a_better_score(
    detector: Detector, classifier: edgecnn.Classifier, digits
) -> None:
    frame = frame_with(digits, ["12"], dark=False)
    frame[CELL : 2 * CELL, CELL : 2 * CELL] = frame[CELL : 2 * CELL, CELL : 2 * CELL] * 0.35  # its score
    assert Reader(detector, labeled(classifier, d7="none")).read(frame).text == "12"
    assert Reader(detector, classifier).read(frame).text == "2"
    assert Reader(detector, classifier, min_confidence=0.2).read(frame).text == "12"


def test_what_the_classifier_calls_none_is_rejected_however_sure_it_is(
    detector: Detector, classifier: edgecnn.Classifier, digits
) -> None:
    reader = Reader(detector, labeled(classifier, d7="none"), min_score=0.3, min_probability=0.0)
    reading = reader.read(frame_with(digits, ["173"]))
    assert (reading.text, reading.rejected) == ("1 3", 1)
    assert [seen.label for seen in reading.seen if not seen.accepted] == ["none"]


def test_in_a_video_a_digit_is_shown_from_its_second_frame_to_the_first_without(
    detector: Detector, classifier: edgecnn.Classifier, digits
) -> None:
    reader = VideoReader(Reader(detector, classifier, min_score=0.3, min_probability=0.7))
    there, empty = frame_with(digits, ["42"]), frame_with(digits, [])
    texts = [reader.read(frame).text for frame in (there, there, there, empty, empty, empty)]
    assert texts == ["", "42", "42", "42", "", ""]


def test_a_single_frame_that_says_otherwise_is_outvoted(
    detector: Detector, classifier: edgecnn.Classifier, digits
) -> None:
    reader = VideoReader(Reader(detector, classifier, min_score=0.3, min_probability=0.4))
    lines = ["3", "3", "3", "8", "3"]
    assert [reader.read(frame_with(digits, [line])).text for line in lines] == ["", "3", "3", "3", "3"]


def test_a_classifier_of_another_input_size_gets_resized_crops(
    detector: Detector, classifier: edgecnn.Classifier, digits
) -> None:
    reader = Reader(detector, of_size_14(classifier.card), min_score=0.3, min_probability=0.0)
    assert [seen.crop_hwc.shape for seen in reader.read(frame_with(digits, ["12"])).seen] == [(14, 14, 1)] * 2


def test_a_frame_of_a_size_that_the_detector_does_not_take_is_told(
    classifier: edgecnn.Classifier, tmp_path: Path
) -> None:
    detector = load_detector(write_detector(tmp_path / "one-size.onnx", frame=(96, 128)), threads=1)
    reader = Reader(detector, classifier, min_score=0.3, min_probability=0.7)
    with pytest.raises(SourceError, match=r"^a frame of 5x3 pixels: the detector does not take it \(.+\)\. Expected"):
        reader.read(np.zeros((3, 5, 3), np.uint8))


def test_a_classifier_of_other_things_than_digits_is_refused(
    detector: Detector, classifier: edgecnn.Classifier
) -> None:
    pets = labeled(classifier, d3="cat", d4="dog")
    with pytest.raises(ModelError, match=r"mnist-compact: reads cat, dog, and what is found .* --whole"):
        Reader(detector, pets, min_score=0, min_probability=0)
