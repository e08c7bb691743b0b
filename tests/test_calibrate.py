"""A temperature inside the file: probabilities that hold, and the same answers."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from edgecnn import load
from edgecnn.contender import open_contender
from edgecnn.export import calibrate, export
from edgecnn.metrics import expected_calibration_error, reliability


def sure_of(temperature: float, images: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are ``temperature`` times too large for labels drawn from their probabilities."""
    rng = np.random.default_rng(0)
    logits_nk = rng.normal(0, 2, (images, 5)).astype(np.float32)
    labels_n = (softmax(logits_nk, axis=1).cumsum(axis=1) < rng.random((images, 1))).sum(axis=1).clip(0, 4)
    return logits_nk * np.float32(temperature), labels_n


@given(st.floats(0.3, 5.0))
@settings(max_examples=15)
def test_the_temperature_that_is_missing_is_found(temperature: float) -> None:
    found = calibrate.fitted(*sure_of(temperature))
    assert found.temperature == pytest.approx(temperature, rel=0.1)
    assert found.error_after < 0.03


def test_error_falls_where_logits_are_too_large() -> None:
    found = calibrate.fitted(*sure_of(4.0))
    assert found.error_before > 0.1
    assert found.error_after < found.error_before / 3


def test_error_after_is_measured_on_images_that_it_was_not_fitted_on() -> None:
    """Logits without meaning: what is fitted on so few images looks better on these than it is."""
    optimism = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        logits_nk, labels_n = rng.normal(0, 3, (24, 4)).astype(np.float32), rng.integers(0, 4, 24)
        found = calibrate.fitted(logits_nk, labels_n)
        on_its_own = expected_calibration_error(softmax(logits_nk / found.temperature, axis=1), labels_n)
        optimism.append(found.error_after - on_its_own)
        assert found.after_on == calibrate.CROSSED
    assert np.mean(optimism) > 0.005


def test_halves_have_every_image_once_and_each_class_in_half() -> None:
    labels_n = np.repeat([0, 1, 2], [10, 20, 6])
    first, second = calibrate._halves(labels_n)
    assert sorted([*first, *second]) == list(range(36))
    assert np.bincount(labels_n[first]).tolist() == np.bincount(labels_n[second]).tolist() == [5, 10, 3]


def test_too_few_images_to_halve_say_nothing_of_halves() -> None:
    found = calibrate.fitted(np.array([[2.0, 0.0], [0.0, 2.0]], np.float32), np.array([0, 1]))
    assert (found.images, found.after_on) == (2, None)


def test_bins_hold_every_image_and_sure_ones_come_last() -> None:
    probabilities_nk = np.array([[0.95, 0.05], [0.55, 0.45], [0.1, 0.9], [1.0, 0.0]])
    bins = reliability(probabilities_nk, np.array([0, 1, 1, 1]))
    assert [own.images for own in bins] == [1, 3]
    assert bins[0].accuracy == 0.0
    assert bins[1].accuracy == pytest.approx(2 / 3)


def test_always_right_and_certain_has_no_error() -> None:
    assert expected_calibration_error(np.eye(3)[[0, 1, 2, 0]], np.array([0, 1, 2, 0])) == 0.0
    assert expected_calibration_error(np.eye(3)[[0, 1]], np.array([1, 2])) == 1.0


@pytest.mark.slow
def test_a_calibrated_file_answers_alike_but_less_or_more_surely(run: Path, data_root: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "m.onnx", root=data_root, calibrated=True)
    classifier = load(tmp_path / "m.onnx")
    confidence = classifier.card.confidence
    assert confidence is not None
    assert confidence.images == classifier.card.dataset.validation
    assert confidence.after_on == calibrate.CROSSED
    images = classifier.card.golden.images_nhwc.copy()
    original = open_contender(run).logits(images)
    np.testing.assert_allclose(classifier.logits(images) * confidence.temperature, original, atol=1e-3)
    assert (classifier.logits(images).argmax(1) == original.argmax(1)).all()


def test_a_file_without_one_says_nothing_of_it(model: Path) -> None:
    assert load(model).card.confidence is None
    assert "confidence" not in load(model).card.to_json()
