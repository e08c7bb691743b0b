"""A file that answers as it did passes; one that does not, fails."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import edgecnn
from edgecnn import onnx_file
from edgecnn.card import Golden
from edgecnn.errors import CardError
from edgecnn.runtime.detector import Detections
from edgecnn.runtime.selftest import SelfTest, judged, log_gaps, selftest
from edgecnn.tasks._detection.golden_again import same_places

Change = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@pytest.fixture
def altered(model: Path, tmp_path: Path) -> Callable[[Change], SelfTest]:
    """Test the model with golden probabilities that were changed."""

    def run(change: Change) -> SelfTest:
        card = edgecnn.load(model).card
        golden = replace(card.golden, answers={"probabilities": change(card.golden.probabilities_nk.copy())})
        onnx_file.write_with_card(model.read_bytes(), replace(card, golden=golden), tmp_path / "altered.onnx")
        return selftest(edgecnn.load(tmp_path / "altered.onnx"))

    return run


@pytest.mark.parametrize("form", ["model", "static_model"])
def test_a_good_file_passes(form: str, request: pytest.FixtureRequest) -> None:
    assert selftest(edgecnn.load(request.getfixturevalue(form))).passed


def test_it_says_what_was_tested(model: Path) -> None:
    classifier = edgecnn.load(model)
    found = selftest(classifier)
    assert (found.model, found.provider, found.images) == (
        "model",
        "cpu",
        len(classifier.card.golden.images_nhwc),
    )


def test_unchanged_golden_probabilities_pass(altered) -> None:
    assert altered(lambda golden: golden).passed


def test_golden_probabilities_that_moved_beyond_the_tolerance_fail(altered) -> None:
    def moved(golden):
        golden[0, golden[0].argmin()] += 0.01
        return golden

    found = altered(moved)
    assert not found.passed
    assert found.max_abs_probability_gap == pytest.approx(0.01, abs=1e-4)


def test_golden_probabilities_that_moved_within_the_tolerance_pass(altered) -> None:
    found = altered(lambda golden: golden * np.float32(1.0001))
    assert found.passed
    assert 5e-5 < found.rms_log_gap < 2e-4 <= found.rms_tolerance


def test_what_certain_probabilities_hide_is_noticed_in_their_logarithms(altered) -> None:
    """Doubled, a small probability moves by itself: within what was once allowed of int8."""

    def doubled(golden):
        golden.flat[golden.argmin()] *= 2
        return golden

    found = altered(doubled)
    assert found.max_abs_probability_gap < 0.05
    assert found.max_abs_log_gap == pytest.approx(np.log(2), abs=1e-3)
    assert not found.passed


def test_a_small_difference_everywhere_is_noticed_by_its_mean(altered) -> None:
    found = altered(lambda golden: golden * np.float32(1.0008))
    assert found.max_abs_log_gap < found.log_tolerance
    assert found.rms_log_gap > found.rms_tolerance
    assert not found.passed


def test_another_best_class_is_named(altered) -> None:
    found = altered(lambda golden: np.roll(golden, 1, axis=1))
    assert not found.same_labels
    assert not found.passed


OLD = Golden(np.zeros((1, 2, 2, 1), np.uint8), {"probabilities": np.float32([[0.6, 0.4 - 1e-6, 1e-6]])}, 0.05)
NEW = replace(OLD, log_tolerance=0.5, rms_tolerance=0.4)


@pytest.mark.parametrize(
    ("golden", "found_k", "passed", "same_labels"),
    [
        (OLD, [0.57, 0.43, 1e-3], True, True),
        (OLD, [0.54, 0.46, 1e-6], False, True),
        (OLD, [0.49, 0.51, 1e-6], False, False),
        (NEW, [0.57, 0.43, 1e-6], True, True),
        (NEW, [0.57, 0.43, 1e-3], False, True),
        (NEW, [0.49, 0.51, 1e-6], True, True),
        (replace(NEW, log_tolerance=0.4), [0.49, 0.51, 1e-6], False, False),
        (NEW, [0.6, np.nan, 1e-6], False, True),
        (NEW, [0.6, 0.4 - 1e-6, 0], False, True),
    ],
    ids=[
        "old card, within",
        "old card, beyond",
        "old card, another label",
        "within",
        "a small probability moved",
        "another label of two that are closer than the tolerance",
        "another label of two that are further apart",
        "no number",
        "a probability is gone",
    ],
)
def test_answers_are_held_to_what_the_card_allows(
    golden: Golden, found_k: list[float], passed: bool, same_labels: bool
) -> None:
    verdict = judged(golden, golden.probabilities_nk, np.float32([found_k]))
    assert (verdict.passed, verdict.same_labels) == (passed, same_labels)


def test_what_is_smaller_than_any_runtime_gives_counts_as_nothing() -> None:
    assert log_gaps(np.float32([0, 1e-38]), np.float32([1e-31, 1e-35])).tolist() == [0, 0]


def detected(score: float, x: float = 0, count: int = 2) -> Detections:
    boxes_m4 = np.float32([[10 + x, 10, 8, 8], [40, 10, 8, 8]])[:count]
    return Detections(boxes_m4, np.float32([score, 0.5])[:count], np.zeros((count, 28, 28, 1), np.uint8))


@pytest.mark.parametrize(
    ("found", "same"),
    [(detected(0.9), True), (detected(0.9, x=1), True), (detected(0.9, x=4), False), (detected(0.9, count=1), False)],
    ids=["as they were", "a pixel off", "half a box off", "one less"],
)
def test_detections_are_held_to_their_number_and_places(found: Detections, same: bool) -> None:
    expected = detected(0.9)
    answers = {"boxes": expected.boxes_m4, "scores": expected.scores_m}
    golden = Golden(np.zeros((1, 9, 9, 1), np.uint8), answers, 0.05)
    assert same_places(golden, found.boxes_m4) == same
    assert same_places(replace(golden, answers={"scores": expected.scores_m}), found.boxes_m4) == (len(found) == 2)


def test_golden_probabilities_that_are_no_numbers_are_refused(altered) -> None:
    with pytest.raises(CardError, match="no numbers"):
        altered(lambda golden: np.full_like(golden, np.nan))
