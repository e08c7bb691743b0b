"""What a difference is worth, against definitions that are slow or by hand."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecnn.verify.statistics import bootstrap_drop_pp, mcnemar_p, roc_auc


def right_of(n: int, lost: int, won: int) -> tuple[np.ndarray, np.ndarray]:
    """Right answers of both on n images: ``lost`` by the candidate alone, ``won`` by it alone."""
    reference, candidate = np.ones(n, bool), np.ones(n, bool)
    candidate[:lost] = False
    reference[lost : lost + won] = False
    return reference, candidate


counts = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 200)).map(
    lambda drawn: (sum(drawn), drawn[0], drawn[1])
)


@pytest.mark.parametrize(("n", "lost", "won"), [(400, 12, 5), (1000, 0, 30), (50, 10, 10)])
def test_interval_is_that_of_resampling_the_images(n: int, lost: int, won: int) -> None:
    reference, candidate = right_of(n, lost, won)
    difference_n = reference.astype(int) - candidate.astype(int)
    resampled = np.random.default_rng(1).choice(difference_n, (20_000, n)).mean(axis=1) * 100
    one_image_pp = 100 / n
    expected = np.percentile(resampled, [2.5, 97.5])
    np.testing.assert_allclose(bootstrap_drop_pp(reference, candidate), expected, atol=1.01 * one_image_pp)


def test_equal_answers_have_no_interval() -> None:
    reference, candidate = right_of(100, 0, 0)
    assert bootstrap_drop_pp(reference, candidate) == (0, 0)


def test_interval_does_not_depend_on_the_call() -> None:
    answers = right_of(100, 9, 4)
    assert bootstrap_drop_pp(*answers) == bootstrap_drop_pp(*answers)


@given(counts)
@settings(max_examples=40)
def test_interval_holds_the_drop(counted: tuple[int, int, int]) -> None:
    n, lost, won = counted
    low, high = bootstrap_drop_pp(*right_of(n, lost, won))
    assert low - 1e-9 <= (lost - won) / n * 100 <= high + 1e-9


@given(counts)
@settings(max_examples=40)
def test_interval_of_the_swapped_pair_is_the_mirror_image(counted: tuple[int, int, int]) -> None:
    n, lost, won = counted
    low, high = bootstrap_drop_pp(*right_of(n, lost, won))
    other_low, other_high = bootstrap_drop_pp(*right_of(n, won, lost))
    assert (-other_high, -other_low) == pytest.approx((low, high), abs=2.01 * 100 / n)


def test_mcnemar_by_hand() -> None:
    tail = sum(math.comb(12, k) for k in range(3)) / 2**12
    assert mcnemar_p(*right_of(100, 10, 2)) == pytest.approx(2 * tail)


def test_mcnemar_is_one_without_a_difference() -> None:
    assert mcnemar_p(*right_of(100, 0, 0)) == 1


@given(lost=st.integers(0, 30), won=st.integers(0, 30))
def test_mcnemar_does_not_care_which_is_the_reference(lost: int, won: int) -> None:
    p = mcnemar_p(*right_of(100, lost, won))
    assert 0 < p <= 1
    assert p == pytest.approx(mcnemar_p(*right_of(100, won, lost)))


def test_mcnemar_looks_only_at_images_that_one_of_both_gets_right() -> None:
    assert mcnemar_p(*right_of(100, 10, 2)) == mcnemar_p(*right_of(10_000, 10, 2))


def area_by_pairs(positive: np.ndarray, scores: np.ndarray) -> float:
    """The share of (positive, negative) pairs in the right order; a tie is half right."""
    pairs = itertools.product(scores[positive], scores[~positive])
    return float(np.mean([1.0 if one > other else 0.5 if one == other else 0.0 for one, other in pairs]))


def test_roc_auc_of_three_classes_is_the_mean_over_classes() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 40)
    probabilities = rng.dirichlet(np.ones(3), 40)
    expected = np.mean([area_by_pairs(truth == k, probabilities[:, k]) for k in range(3)])
    assert roc_auc(truth, probabilities) == pytest.approx(expected)


def test_roc_auc_of_two_classes() -> None:
    truth = np.array([0, 0, 1, 1, 1])
    second = np.array([0.1, 0.6, 0.4, 0.6, 0.9])
    assert roc_auc(truth, np.stack([1 - second, second], axis=1)) == pytest.approx(area_by_pairs(truth == 1, second))


@pytest.mark.parametrize("classes", [2, 5])
def test_roc_auc_of_a_perfect_classifier_is_one(classes: int) -> None:
    truth = np.arange(20) % classes
    assert roc_auc(truth, np.eye(classes)[truth]) == 1


@pytest.mark.parametrize("classes", [2, 3])
def test_roc_auc_is_not_there_where_a_class_has_no_image(classes: int) -> None:
    truth = np.zeros(5, int) if classes == 2 else np.array([0, 1, 1, 0, 1])
    assert roc_auc(truth, np.full((5, classes), 1 / classes)) is None
