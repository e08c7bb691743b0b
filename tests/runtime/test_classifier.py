"""A loaded model: what goes in, what comes out, and what is refused."""

import multiprocessing
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

import edgecnn
from edgecnn import Classifier, ModelCard, Prediction, data, onnx_file
from edgecnn.card import ImageInput, Overflow, Quantization
from edgecnn.errors import CardError, ImageError, ModelError
from edgecnn.runtime.image import to_input

SIDES = st.integers(1, 40)
FRAMES = st.tuples(SIDES, SIDES, st.sampled_from([(), (1,), (3,), (4,)])).flatmap(
    lambda shape: hnp.arrays(np.uint8, (*shape[:2], *shape[2]))
)
ROUNDING = 1e-5  # float32 sums in another order


@pytest.fixture(scope="module")
def rewrite(model: Path) -> Callable[[ModelCard, Path], Path]:
    """Write the model's graph with another card."""

    def write(card: ModelCard, path: Path) -> Path:
        onnx_file.write_with_card(model.read_bytes(), card, path)
        return path

    return write


def _same(one: Prediction, other: Prediction) -> bool:
    return one.label == other.label and np.allclose(one.probabilities_k, other.probabilities_k, rtol=0, atol=ROUNDING)


def _message(call: Callable[[], object]) -> str:
    with pytest.raises(ImageError) as caught:
        call()
    return str(caught.value)


# --- what comes out


@settings(max_examples=50)
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 4), st.just(28), st.just(28), st.just(1))))
def test_probabilities_sum_to_one(classifier: Classifier, images: NDArray[np.uint8]) -> None:
    np.testing.assert_allclose(classifier.probabilities(images).sum(axis=1), 1, atol=ROUNDING)


def test_probabilities_are_the_softmax_of_the_logits(classifier: Classifier, digits: data.Split) -> None:
    logits = classifier.logits(digits.images_nhwc).astype(np.float64)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(classifier.probabilities(digits.images_nhwc), expected, atol=ROUNDING)


def test_answers_are_float32_with_one_entry_a_label(classifier: Classifier, digits: data.Split) -> None:
    for answers in (classifier.logits(digits.images_nhwc[:3]), classifier.probabilities(digits.images_nhwc[:3])):
        assert (answers.dtype, answers.shape) == (np.float32, (3, len(classifier.labels)))


def test_a_prediction_is_the_best_class(classifier: Classifier, digits: data.Split) -> None:
    found = classifier.predict(digits.images_nhwc[0])
    assert found.class_id == found.probabilities_k.argmax()
    assert found.label == classifier.labels[found.class_id]
    assert found.probability == found.probabilities_k.max()


def test_top_is_best_first() -> None:
    found = Prediction("b", 1, 0.5, np.array([0.125, 0.5, 0.375], dtype=np.float32))
    assert found.top(2) == [(1, 0.5), (2, 0.375)]


def test_top_of_more_than_there_are_is_all_of_them() -> None:
    found = Prediction("b", 1, 0.75, np.array([0.25, 0.75], dtype=np.float32))
    assert found.top(5) == [(1, 0.75), (0, 0.25)]


def test_top_keeps_the_order_of_classes_in_a_tie() -> None:
    found = Prediction("b", 1, 0.015, np.tile(np.array([0.005, 0.015], dtype=np.float32), 50))
    assert [class_id for class_id, _ in found.top(100)] == [*range(1, 100, 2), *range(0, 100, 2)]


# --- batches


@settings(max_examples=50)
@given(st.lists(FRAMES, min_size=1, max_size=5))
def test_a_batch_of_frames_equals_one_by_one(classifier: Classifier, frames: list[NDArray[np.uint8]]) -> None:
    together = classifier.predict_batch(frames)
    assert len(together) == len(frames)
    for found, frame in zip(together, frames, strict=True):
        np.testing.assert_allclose(found.probabilities_k, classifier.predict(frame).probabilities_k, atol=ROUNDING)


@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_a_batch_of_images_equals_one_by_one(classifier: Classifier, digits: data.Split, count: int) -> None:
    images = digits.images_nhwc[:count]
    single = np.concatenate([classifier.logits(image[None]) for image in images])
    np.testing.assert_allclose(classifier.logits(images), single, atol=1e-4)


@pytest.mark.parametrize(
    ("form", "quantization"),
    [
        ("int8-dense", None),  # as cards were before they said so
        ("not known here", Quantization("not known here", None, None, Overflow(True, 0), batch_dependent=True)),
    ],
)
def test_a_form_with_ranges_of_the_batch_answers_each_as_alone(
    rewrite: Callable[[ModelCard, Path], Path],
    classifier: Classifier,
    digits: data.Split,
    tmp_path: Path,
    form: str,
    quantization: Quantization | None,
) -> None:
    """The answers of such a graph depend on the batch, so its session must get one image at a time."""
    card = replace(classifier.card, form=form, quantization=quantization)
    dense = edgecnn.load(rewrite(card, tmp_path / "dense.onnx"))
    asked, run = [], dense._model.session.run

    class Listening:
        def run(self, outputs: list[str], feeds: dict[str, NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
            asked.append(len(feeds["image"]))
            return run(outputs, feeds)

    dense._model = replace(dense._model, session=Listening())
    images = digits.images_nhwc[:3]
    assert dense.logits(images).shape == dense.probabilities(images).shape == (3, 10)
    assert len(dense.predict_batch(images)) == 3
    assert asked == [1] * 9


def test_a_batch_may_be_an_array(classifier: Classifier, digits: data.Split) -> None:
    found = [answer.probabilities_k for answer in classifier.predict_batch(digits.images_nhwc[:5])]
    np.testing.assert_array_equal(found, classifier.probabilities(digits.images_nhwc[:5]))


def test_a_batch_may_come_from_a_generator(classifier: Classifier, digits: data.Split) -> None:
    found = classifier.predict_batch(image for image in digits.images_nhwc[:3])
    expected = classifier.predict_batch(digits.images_nhwc[:3])
    assert all(map(_same, found, expected))
    assert len(found) == 3


def test_a_batch_of_nothing_is_nothing(classifier: Classifier) -> None:
    assert classifier.predict_batch([]) == []


# --- frames


@settings(max_examples=50)
@given(FRAMES)
def test_a_frame_of_any_size_is_brought_to_the_input(classifier: Classifier, frame: NDArray[np.uint8]) -> None:
    ready = to_input(frame, classifier.card.input)
    np.testing.assert_array_equal(classifier.predict(frame).probabilities_k, classifier.probabilities(ready[None])[0])


@pytest.mark.parametrize(
    "dress",
    [
        lambda image: image[..., 0],
        lambda image: np.repeat(image, 3, axis=2),
        lambda image: np.concatenate([np.repeat(image, 3, axis=2), np.full_like(image, 255)], axis=2),
        lambda image: np.asfortranarray(image),
        lambda image: np.repeat(image, 2, axis=0)[::2],
    ],
    ids=["HW", "RGB", "RGBA", "column by column", "strided"],
)
def test_the_same_picture_in_another_dress_is_the_same(classifier: Classifier, digits: data.Split, dress) -> None:
    image = digits.images_nhwc[0]
    assert _same(classifier.predict(dress(image)), classifier.predict(image))


def test_a_frame_turned_upside_down_without_a_copy_is_seen_upside_down(
    classifier: Classifier, digits: data.Split
) -> None:
    turned = digits.images_nhwc[0][::-1]
    assert _same(classifier.predict(turned), classifier.predict(turned.copy()))


def test_bgr_is_turned_round(classifier: Classifier) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8)
    assert _same(classifier.predict(frame[..., ::-1], bgr=True), classifier.predict(frame))


def test_bgr_is_turned_round_in_a_batch(classifier: Classifier) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8)
    assert _same(classifier.predict_batch([frame[..., ::-1]], bgr=True)[0], classifier.predict(frame))


def test_a_frame_that_was_scaled_is_refused(classifier: Classifier) -> None:
    assert "found an array of float32. Do not scale" in _message(
        lambda: classifier.predict(np.zeros((28, 28), np.float32))
    )


def test_a_batch_that_was_scaled_is_refused_by_what_it_takes(classifier: Classifier) -> None:
    assert _message(lambda: classifier.probabilities(np.zeros((2, 28, 28, 1), np.float32))).endswith(
        "model.onnx: takes uint8 (N, 28, 28, 1), found float32 (2, 28, 28, 1). "
        "predict_batch() takes frames of any size."
    )


@pytest.mark.parametrize("shape", [(28, 28, 1), (2, 28, 28), (2, 1, 28, 28), (2, 28, 28, 3), (2, 32, 32, 1)])
def test_a_batch_of_another_shape_is_refused(classifier: Classifier, shape: tuple[int, ...]) -> None:
    assert f"found uint8 {shape}" in _message(lambda: classifier.logits(np.zeros(shape, np.uint8)))


# --- threads and files


def test_many_threads_get_the_serial_answers(classifier: Classifier, digits: data.Split) -> None:
    images = digits.images_nhwc[:200]
    serial = [classifier.predict(image).probabilities_k for image in images]
    start = threading.Barrier(8)

    def everything(_: int) -> list[NDArray[np.float32]]:
        start.wait()
        return [classifier.predict(image).probabilities_k for image in images]

    with ThreadPoolExecutor(8) as pool:
        for answers in pool.map(everything, range(8)):
            np.testing.assert_array_equal(answers, serial)


def test_a_model_in_memory_answers_as_its_file(classifier: Classifier, model: Path, digits: data.Split) -> None:
    from_bytes = edgecnn.load(model.read_bytes())
    np.testing.assert_array_equal(from_bytes.logits(digits.images_nhwc), classifier.logits(digits.images_nhwc))


def test_a_path_may_be_text(model: Path) -> None:
    assert edgecnn.load(str(model)).card.name == "model"


def test_it_says_what_it_runs_on(model: Path) -> None:
    found = edgecnn.load(model, threads=1)
    assert (found.provider, found.running_provider, found.threads) == ("cpu", "CPUExecutionProvider", 1)


def test_labels_are_those_of_the_card(classifier: Classifier) -> None:
    assert classifier.labels == classifier.card.labels == list("0123456789")


# --- a card that does not fit its graph


def test_a_card_of_another_size_is_refused(rewrite, classifier: Classifier, tmp_path: Path) -> None:
    card = classifier.card
    golden = replace(card.golden, images_nhwc=np.zeros((len(card.golden.images_nhwc), 27, 28, 1), np.uint8))
    path = rewrite(replace(card, input=ImageInput(27, 28, 1), golden=golden), tmp_path / "narrow.onnx")
    with pytest.raises(CardError) as caught:
        edgecnn.load(path)
    assert "narrow.onnx: its card promises [('image', 'tensor(uint8)', [27, 28, 1])]" in str(caught.value)
    assert "the graph has [('image', 'tensor(uint8)', [28, 28, 1])]" in str(caught.value)


def test_a_card_with_fewer_labels_than_classes_is_refused(rewrite, classifier: Classifier, tmp_path: Path) -> None:
    card = classifier.card
    golden = replace(card.golden, answers={"probabilities": card.golden.probabilities_nk[:, :9]})
    path = rewrite(replace(card, labels=card.labels[:9], golden=golden), tmp_path / "fewer.onnx")
    with pytest.raises(CardError, match=r"fewer\.onnx: .*logits and probabilities of 9 classes"):
        edgecnn.load(path)


def _stand_in(output_shape: list[int | str] | None, *, input_name: str = "image", input_type: str = "UINT8") -> bytes:
    """Return a graph whose two outputs have that shape, whatever the image."""
    shape = [] if output_shape is None else output_shape
    value = onnx.numpy_helper.from_array(np.zeros([1 if isinstance(n, str) else n for n in shape], np.float32), "zeros")
    nodes = [onnx.helper.make_node("Identity", ["zeros"], [name]) for name in ("logits", "probabilities")]
    elements = getattr(onnx.TensorProto, input_type)
    graph = onnx.helper.make_graph(
        nodes,
        "stand-in",
        [onnx.helper.make_tensor_value_info(input_name, elements, ["N", 28, 28, 1])],
        [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, shape) for n in ("logits", "probabilities")],
        [value],
    )
    opset = onnx.helper.make_opsetid("", onnx_file.OPSET)
    return onnx.helper.make_model(graph, opset_imports=[opset], ir_version=onnx_file.IR_VERSION).SerializeToString()


@pytest.mark.parametrize(
    "graph",
    [
        _stand_in(["N", 10], input_name="pixels"),
        _stand_in(["N", 10], input_type="FLOAT"),
        _stand_in([]),
        _stand_in(["N", 2, 10]),
    ],
    ids=["input of another name", "input of another type", "outputs without a shape", "outputs with three axes"],
)
def test_a_graph_that_is_no_such_classifier_is_refused(graph: bytes, classifier: Classifier, tmp_path: Path) -> None:
    onnx_file.write_with_card(graph, classifier.card, tmp_path / "other.onnx")
    with pytest.raises(CardError, match=r"other\.onnx: its card promises .* Export the model again"):
        edgecnn.load(tmp_path / "other.onnx")


def test_a_model_without_a_card_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plain.onnx").write_bytes(_stand_in(["N", 10]))
    with pytest.raises(CardError, match=r"plain\.onnx: no edgecnn card in its metadata .*edgecnn export, of a file"):
        edgecnn.load(tmp_path / "plain.onnx")


# Pictures in place of frames, and classifiers that travel


def test_a_picture_is_a_path_or_one_of_pils(classifier: Classifier, digits: data.Split, tmp_path: Path) -> None:
    picture = Image.fromarray(digits.images_nhwc[0][..., 0])
    picture.save(tmp_path / "a.png")
    expected = classifier.predict(digits.images_nhwc[0])
    for form in (tmp_path / "a.png", str(tmp_path / "a.png"), picture, Image.open(tmp_path / "a.png")):
        assert _same(classifier.predict(form), expected)
    assert _same(classifier.predict_batch([digits.images_nhwc[0], picture])[1], expected)


def test_bgr_is_of_arrays_alone(classifier: Classifier) -> None:
    picture = Image.new("RGB", (40, 40), (200, 0, 0))
    assert _same(classifier.predict(picture, bgr=True), classifier.predict(picture))


@pytest.mark.parametrize("given", ["none.png", Path("none.png")])
def test_a_picture_that_is_not_there_is_named(classifier: Classifier, given: str | Path) -> None:
    assert _message(lambda: classifier.predict(given)).startswith("none.png: cannot be read")


def test_a_broken_picture_of_pils_is_refused(classifier: Classifier, tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    with Image.open(tmp_path / "cut.png") as picture:
        assert "picture: cannot be read" in _message(lambda: classifier.predict(picture))


@pytest.mark.parametrize("bad", [None, [[1, 2]], np.zeros((2, 2), np.float32), "none.png"])
def test_the_frame_of_a_batch_that_is_none_is_named(classifier: Classifier, bad: object) -> None:
    good = np.zeros((28, 28), np.uint8)
    assert _message(lambda: classifier.predict_batch([good, good, bad, good])).startswith("frame 2: ")


def test_a_classifier_says_what_it_is(classifier: Classifier, model: Path) -> None:
    told = repr(classifier)
    assert told.startswith(f"<Classifier {model}: fp32, 28x28 gray, 10 labels, cpu, ")
    assert repr(edgecnn.load_detector("digit-finder")).startswith("<Detector digit-finder: ")


@pytest.mark.parametrize("as_bytes", [False, True])
def test_a_pickled_classifier_gives_the_same_answers(
    model: Path, digits: data.Split, as_bytes: bool, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(model.parent)
    original = edgecnn.load(model.read_bytes() if as_bytes else model.name, threads=1)
    pickled = pickle.dumps(original)
    monkeypatch.chdir(tmp_path)
    copy = pickle.loads(pickled)
    assert (copy.threads, copy.provider, copy.card.name) == (1, "cpu", original.card.name)
    np.testing.assert_array_equal(copy.logits(digits.images_nhwc[:20]), original.logits(digits.images_nhwc[:20]))


def test_a_classifier_goes_into_a_pool(model: Path, digits: data.Split) -> None:
    classifier, frames = edgecnn.load(model, threads=1), list(digits.images_nhwc[:8])
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(classifier.predict, frames, timeout=120))
    assert all(_same(one, classifier.predict(frame)) for one, frame in zip(found, frames, strict=True))


def test_a_file_that_changed_since_is_not_the_pickled_classifier(model: Path, tmp_path: Path, rewrite) -> None:
    path = rewrite(edgecnn.load(model).card, tmp_path / "m.onnx")
    pickled = pickle.dumps(edgecnn.load(path))
    rewrite(replace(edgecnn.load(model).card, name="other"), path)
    with pytest.raises(ModelError, match=r"m\.onnx: has changed since it was opened"):
        pickle.loads(pickled)


def test_a_pickled_detector_is_one(digits: data.Split) -> None:
    detector = edgecnn.load_detector("digit-finder", threads=1)
    page = detector.card.golden.images_nhwc[0]
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(detector)).detect(page).scores_m, detector.detect(page).scores_m
    )
