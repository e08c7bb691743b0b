"""Which golden images a file carries, and what it allows of them."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
from programs import program

import edgecnn
from edgecnn import files, golden, onnx_file
from edgecnn.card import ModelCard
from edgecnn.runtime.selftest import log_gaps

TOOLS = Path(__file__).resolve().parents[1] / "tools"
DRAW = np.random.default_rng(0)
LABELS = DRAW.integers(0, 10, 500)
LOGITS = (DRAW.normal(0, 2, (500, 10)) + 6 * np.eye(10)[LABELS]).astype(np.float32)


def margins(logits_nk: np.ndarray) -> np.ndarray:
    return np.diff(np.sort(logits_nk, axis=1)[:, -2:])[:, 0]


def test_where_there_is_room_for_twice_the_classes_an_easy_image_of_each_comes_first() -> None:
    found = golden.chosen(LOGITS, LABELS, 20)
    assert LABELS[found[:10]].tolist() == list(range(10))
    assert LOGITS[found[:10]].argmax(1).tolist() == list(range(10))
    assert margins(LOGITS[found[:10]]).min() > 1
    assert len(set(found.tolist())) == 20


def test_of_a_class_that_is_never_right_the_nearest_image_is_taken() -> None:
    logits_nk = LOGITS.copy()
    logits_nk[:, 3] = -20 + np.arange(500) / 100
    found = golden.chosen(logits_nk, LABELS, 20)
    assert LABELS[found[:10]].tolist() == list(range(10))
    assert logits_nk[found[3]].argmax() != 3


def test_near_the_boundaries_every_class_is_among_the_two_best_of_some_image() -> None:
    found = golden.chosen(LOGITS, LABELS, 7)
    assert set(np.argsort(-LOGITS[found], axis=1)[:, :2].ravel().tolist()) == set(range(10))
    assert margins(LOGITS[found]).max() < np.quantile(margins(LOGITS), 0.2)


def test_the_last_digits_of_a_machine_change_nothing() -> None:
    moved = LOGITS + DRAW.normal(0, 1e-6, LOGITS.shape).astype(np.float32)
    np.testing.assert_array_equal(golden.chosen(moved, LABELS, 20), golden.chosen(LOGITS, LABELS, 20))


@pytest.mark.parametrize(("images", "classes"), [(3, 10), (5, 1), (1, 2)])
def test_fewer_images_and_classes_than_wanted_are_enough(images: int, classes: int) -> None:
    logits_nk = LOGITS[:images, :classes]
    assert sorted(golden.chosen(logits_nk, np.zeros(images, int), 20).tolist()) == list(range(images))


@pytest.mark.parametrize(
    ("pixels", "classes", "count"),
    [(8 * 8, 10, 20), (28 * 28, 10, 20), (3 * 32 * 32, 10, 7), (3 * 32 * 32, 100, 6), (3 * 224 * 224, 10, 2)],
)
def test_a_card_has_room_for_so_many(pixels: int, classes: int, count: int) -> None:
    assert golden.room_for(pixels, classes) == count


@pytest.mark.parametrize("form", ["model", "static_model"])
def test_a_file_allows_three_times_what_its_own_kernels_differ_by(form: str, request: pytest.FixtureRequest) -> None:
    file: Path = request.getfixturevalue(form)
    classifier = edgecnn.load(file)
    own = classifier.card.golden
    mirrored = [own.images_nhwc[:, ::down, ::across] for down in (1, -1) for across in (1, -1)]
    images_nhwc = np.ascontiguousarray(np.concatenate(mirrored))
    expected_nk = classifier.probabilities(images_nhwc)
    gaps = [log_gaps(answers_nk, expected_nk) for answers_nk in golden.variants(file.read_bytes(), images_nhwc)]
    largest = max(float(gaps_nk.max()) for gaps_nk in gaps)
    mean = max(float(np.sqrt((gaps_nk**2).mean())) for gaps_nk in gaps)
    logarithms_nk = np.log(own.probabilities_nk.astype(float))
    deviation = float(np.sqrt((logarithms_nk - logarithms_nk.mean(1, keepdims=True)).var(1).mean()))
    least = (1e-3, 3e-4) if form == "model" else (0.2 * deviation, 0.03 * deviation)
    assert len(gaps) == 3
    assert largest > 0 or form == "static_model"  # some processors' int8 kernels round alike in all three
    assert own.log_tolerance == golden.rounded_up(max(least[0], 3 * largest))
    assert own.rms_tolerance == golden.rounded_up(max(least[1], 3 * mean))


def test_an_exported_file_carries_easy_and_near_images(model: Path) -> None:
    classifier = edgecnn.load(model)
    own = classifier.card.golden
    ordered = margins(classifier.logits(own.images_nhwc))
    assert len(own.images_nhwc) == 20
    assert ordered[:10].mean() > 2 * ordered[10:].mean()
    assert len(set(own.probabilities_nk[:10].argmax(1).tolist())) >= 8  # three quarters of its answers are right


def test_a_quantized_file_has_its_parents_images_and_its_own_answers(model: Path, static_model: Path) -> None:
    parent, own = (edgecnn.load(file).card.golden for file in (model, static_model))
    np.testing.assert_array_equal(own.images_nhwc, parent.images_nhwc)
    assert (own.probabilities_nk != parent.probabilities_nk).any()


def _script() -> ModuleType:
    return program("tools/regolden.py")


def test_a_model_of_the_zoo_gets_new_golden_images_and_keeps_its_graph(
    model: Path, static_model: Path, data_root: Path, tmp_path: Path
) -> None:
    """The script changes nothing where the images were chosen by the same rule; here, they were one image."""
    for source, name in ((model, "fp32.onnx"), (static_model, "preferred.onnx")):
        card = edgecnn.load(source).card
        one = golden.measured(source.read_bytes(), card.golden.images_nhwc[:1])
        onnx_file.write_with_card(source.read_bytes(), replace(card, golden=one), tmp_path / name)
    _script().renew(tmp_path, data_root)
    parent, quantized = (edgecnn.load(tmp_path / name).card for name in ("fp32.onnx", "preferred.onnx"))
    for file, card in ((model, parent), (static_model, quantized)):
        np.testing.assert_array_equal(card.golden.images_nhwc, edgecnn.load(file).card.golden.images_nhwc)
    assert quantized.parent_sha256 == files.sha256(tmp_path / "fp32.onnx")
    assert onnx.load(tmp_path / "fp32.onnx").graph == onnx.load(model).graph
    assert onnx.load(tmp_path / "preferred.onnx").graph == onnx.load(static_model).graph
    assert ModelCard.from_json((tmp_path / "fp32.card.json").read_text(), source="card").to_json() == parent.to_json()
