"""A file that answers as it did passes; one that does not, fails."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import edgecnn
from edgecnn import onnx_file
from edgecnn.errors import CardError
from edgecnn.runtime.selftest import SelfTest, selftest

Change = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@pytest.fixture
def altered(model: Path, tmp_path: Path) -> Callable[[Change], SelfTest]:
    """Test the model with golden probabilities that were changed."""

    def run(change: Change) -> SelfTest:
        card = edgecnn.load(model).card
        golden = replace(card.golden, probabilities_nk=change(card.golden.probabilities_nk.copy()))
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
    assert altered(lambda golden: golden + np.float32(1e-5)).passed


def test_another_best_class_is_named(altered) -> None:
    found = altered(lambda golden: np.roll(golden, 1, axis=1))
    assert not found.same_labels
    assert not found.passed


def test_golden_probabilities_that_are_no_numbers_are_refused(altered) -> None:
    with pytest.raises(CardError, match="no numbers"):
        altered(lambda golden: np.full_like(golden, np.nan))
