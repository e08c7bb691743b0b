"""What a difference is worth, against definitions that are slow or by hand."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import gammaln, xlogy
from scipy.stats import binom

from edgecnn.verify.gate import ERROR_RATE, POWER, needed
from edgecnn.verify.statistics import (
    Z95,
    _score,
    drop_ci95_pp,
    drop_intervals,
    expected_ci95_pp,
    mcnemar_p,
    padded_interval,
    roc_auc,
    tango_intervals,
)

counts = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 200)).map(
    lambda drawn: (drawn[0], drawn[1], sum(drawn))
)


def tango(lost: int, won: int, n: int) -> tuple[float, float]:
    low, high = tango_intervals(np.array(float(lost)), np.array(float(won)), n)
    return float(low), float(high)


# Published: the two examples of Fagerland, Lydersen and Laake (Statistics in Medicine 33, 2014), whose R package
# contingencytables has the second to four digits.
@pytest.mark.parametrize(
    ("lost", "won", "n", "published"), [(1, 7, 21, (-0.517, -0.026)), (6, 16, 161, (-0.1240, -0.0054))]
)
def test_score_interval_is_the_published_one(lost: int, won: int, n: int, published: tuple[float, float]) -> None:
    assert tango(lost, won, n) == pytest.approx(published, abs=0.0006 if n == 21 else 0.00006)


def score_by_definition(difference: float, lost: int, won: int, n: int) -> float:
    """The score statistic with the nuisance share found by maximizing the likelihood, and not in closed form."""

    def improbability(q: float) -> float:
        shares = q + difference, q, 1 - 2 * q - difference
        return -sum(
            float(xlogy(count, share)) for count, share in zip((lost, won, n - lost - won), shares, strict=True)
        )

    bounds = max(0.0, -difference) + 1e-12, (1 - difference) / 2 - 1e-12
    q = minimize_scalar(improbability, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    return (lost - won - n * difference) / math.sqrt(n * (2 * q + difference - difference**2))


@pytest.mark.parametrize(
    ("lost", "won", "n"), [(6, 16, 161), (1, 7, 21), (3, 1, 50), (2, 0, 500), (0, 1, 359), (30, 12, 1000)]
)
def test_ends_of_the_score_interval_are_where_its_test_begins_to_reject(lost: int, won: int, n: int) -> None:
    low, high = tango(lost, won, n)
    assert score_by_definition(low, lost, won, n) == pytest.approx(Z95, abs=1e-3)
    assert score_by_definition(high, lost, won, n) == pytest.approx(-Z95, abs=1e-3)


@given(counts)
@settings(max_examples=40)
def test_padded_interval_is_the_normal_one_of_padded_images(counted: tuple[int, int, int]) -> None:
    lost, won, n = counted
    values = np.repeat([1.0, -1.0, 0.0, 1.0, -1.0], [lost, won, n - lost - won, 1, 1])
    weights = np.append(np.ones(n), [Z95**2 / 2] * 2)
    mean = np.average(values, weights=weights)
    error = math.sqrt(np.average((values - mean) ** 2, weights=weights) / weights.sum())
    expected = max(mean - Z95 * error, -1), min(mean + Z95 * error, 1)
    assert padded_interval(lost - won, lost + won, n) == pytest.approx(expected)


@given(counts)
@settings(max_examples=40)
def test_interval_holds_the_drop(counted: tuple[int, int, int]) -> None:
    lost, won, n = counted
    low, high = drop_ci95_pp(lost, won, n)
    assert -100 <= low <= (lost - won) / n * 100 <= high <= 100


@given(counts)
@settings(max_examples=40)
def test_interval_of_the_swapped_pair_is_the_mirror_image(counted: tuple[int, int, int]) -> None:
    lost, won, n = counted
    low, high = drop_ci95_pp(lost, won, n)
    other_low, other_high = drop_ci95_pp(won, lost, n)
    assert (-other_high, -other_low) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize(("n", "high_pp"), [(1, 79.35), (359, 1.0587), (1_000, 0.3827), (10_000, 0.03840)])
def test_images_without_a_flip_show_only_so_much(n: int, high_pp: float) -> None:
    assert drop_ci95_pp(0, 0, n) == pytest.approx((-high_pp, high_pp), rel=1e-3)


def every_outcome(n: int, lost_share: float, won_share: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every pair of counts that comes about in practice, and its probability."""
    most = [int(binom.isf(1e-9, n, share)) if share else 0 for share in (lost_share, won_share)]
    lost_m, won_m = (part.ravel() for part in np.meshgrid(*(np.arange(count + 1.0) for count in most)))
    possible_m = lost_m + won_m <= n
    lost_m, won_m = lost_m[possible_m], won_m[possible_m]
    even = 1 - lost_share - won_share
    logarithm_m = (
        gammaln(n + 1) - gammaln(lost_m + 1) - gammaln(won_m + 1) - gammaln(n - lost_m - won_m + 1)
        + xlogy(lost_m, lost_share) + xlogy(won_m, won_share) + xlogy(n - lost_m - won_m, even)
    )  # fmt: skip
    return lost_m, won_m, np.exp(logarithm_m)


@pytest.mark.parametrize("one_way", [0.5, 0.8, 1.0])
@pytest.mark.parametrize("flips", [0.0005, 0.002, 0.01, 0.05])
@pytest.mark.parametrize("n", [50, 359, 500, 2_000])
def test_interval_holds_the_truth_in_95_of_100_cases(n: int, flips: float, one_way: float) -> None:
    """Without drawing: every outcome with its probability."""
    truth = flips * (2 * one_way - 1)
    lost_m, won_m, probability_m = every_outcome(n, flips * one_way, flips * (1 - one_way))
    low_m, high_m = drop_intervals(lost_m, won_m, n)
    assert probability_m[(low_m <= truth) & (truth <= high_m)].sum() > 0.95


def test_score_interval_alone_holds_it_in_93_of_100() -> None:
    """Why there are two: the case that is worst for it."""
    lost_m, won_m, probability_m = every_outcome(2_000, 0.002, 0.0)
    low_m, high_m = tango_intervals(lost_m, won_m, 2_000)
    assert probability_m[(low_m <= 0.002) & (high_m >= 0.002)].sum() == pytest.approx(0.931, abs=0.001)


@pytest.mark.parametrize("won_share", [0.0, 0.002, 0.02])
@pytest.mark.parametrize("allowed", [0.002, 0.005, 0.02])
@pytest.mark.parametrize("n", [50, 359, 500, 2_000, 10_000])
def test_gate_is_wrong_in_one_of_forty_cases_at_most(n: int, allowed: float, won_share: float) -> None:
    """The candidate is worse by exactly what is allowed: the hardest case for either verdict."""
    lost_m, won_m, probability_m = every_outcome(n, allowed + won_share, won_share)
    low_m, high_m = drop_intervals(lost_m, won_m, n)
    assert probability_m[high_m <= allowed].sum() <= ERROR_RATE
    assert probability_m[low_m > allowed].sum() <= ERROR_RATE


def test_gate_is_wrong_a_little_more_often_where_all_of_many_flips_lose() -> None:
    """The largest rate of thousands of cases that were drawn; rounded it is still the one that is said."""
    lost_m, won_m, probability_m = every_outcome(1_505, 0.04353927857941962, 0.0)
    passed = probability_m[drop_intervals(lost_m, won_m, 1_505)[1] <= 0.04353927857941962].sum()
    assert passed == pytest.approx(0.0253, abs=0.00005)


@pytest.mark.parametrize(
    ("lost", "won", "n", "allowed_pp"),
    [(0, 0, 100, 0.5), (0, 0, 1_000, 0.2), (4, 0, 359, 2.0), (3, 3, 1_000, 0.5), (0, 3, 1_000, 0.1), (4, 0, 359, 0.5)],
)
def test_as_many_images_as_are_needed_decide_in_four_of_five_cases(
    lost: int, won: int, n: int, allowed_pp: float
) -> None:
    """Were the shares of all images those that the forecast takes."""
    count = needed_of(lost, won, n, allowed_pp)
    lost_m, won_m, probability_m = every_outcome(count, (lost + 0.5) / (n + 1), (won + 0.5) / (n + 1))
    low_m, high_m = drop_intervals(lost_m, won_m, count)
    decided_m = high_m * 100 <= allowed_pp if (lost - won) * 100 / n <= allowed_pp else low_m * 100 > allowed_pp
    assert probability_m[decided_m].sum() == pytest.approx(POWER, abs=0.025)


def needed_of(lost: int, won: int, n: int, allowed_pp: float) -> int:
    found = needed(
        lambda count, luck: expected_ci95_pp(lost, won, n, count, luck), n, (lost - won) * 100 / n, allowed_pp
    )
    return 10**9 if found is None else found


@given(counts, st.floats(0.1, 10), st.floats(0.1, 10))
@settings(max_examples=40)
def test_the_more_is_allowed_the_fewer_images_are_needed(
    counted: tuple[int, int, int], one_pp: float, more_pp: float
) -> None:
    lost, won, n = counted
    drop_pp = max((lost - won) * 100 / n, 0)
    assert needed_of(lost, won, n, drop_pp + one_pp + more_pp) <= needed_of(lost, won, n, drop_pp + one_pp)


@given(counts, st.integers(2, 9))
@settings(max_examples=40)
def test_more_images_of_the_same_shares_never_widen_the_interval(counted: tuple[int, int, int], times: int) -> None:
    lost, won, n = counted
    (low, high), (less, more) = (drop_ci95_pp(lost * k, won * k, n * k) for k in (1, times))
    assert low - 1e-9 <= less <= more <= high + 1e-9


def exact_high(lost: int, won: int, n: int) -> float:
    """The upper end of the exact unconditional interval (as Chan and Zhang 1999).

    Above it no share of flips makes such a result 2.5 % likely. Tables are in the order of the score statistic; the
    share is searched on a grid.
    """
    all_lost, all_won = (np.concatenate(part) for part in zip(
        *((np.arange(n + 1.0 - w), np.full(n + 1 - w, float(w))) for w in range(n + 1)), strict=True
    ))  # fmt: skip

    def likeliest_tail(difference: float) -> float:
        at = np.full_like(all_lost, difference)
        seen = _score(np.array(difference), np.array(float(lost)), np.array(float(won)), n)
        tail = _score(at, all_lost, all_won, n) <= seen + 1e-9
        q_g = np.linspace(max(0.0, -difference), (1 - difference) / 2, 200)[:, None]
        logarithm = (
            gammaln(n + 1) - gammaln(all_lost + 1) - gammaln(all_won + 1) - gammaln(n - all_lost - all_won + 1)
            + xlogy(all_lost, q_g + difference) + xlogy(all_won, q_g)
            + xlogy(n - all_lost - all_won, np.maximum(1 - 2 * q_g - difference, 0))
        )  # fmt: skip
        return float(np.exp(logarithm[:, tail]).sum(axis=1).max())

    low, high = (lost - won) / n, 1.0
    for _ in range(14):
        middle = (low + high) / 2
        low, high = (middle, high) if likeliest_tail(middle) > 0.025 else (low, middle)
    return (low + high) / 2


@pytest.mark.parametrize(("lost", "won"), [(0, 0), (1, 0), (0, 1), (2, 1), (5, 2), (3, 3)])
def test_upper_end_is_near_that_of_an_exact_method(lost: int, won: int) -> None:
    """Within half an image of 40."""
    assert drop_ci95_pp(lost, won, 40)[1] * 0.4 == pytest.approx(exact_high(lost, won, 40) * 40, abs=0.5)


def test_mcnemar_by_hand() -> None:
    tail = sum(math.comb(12, k) for k in range(3)) / 2**12
    assert mcnemar_p(10, 2) == pytest.approx(2 * tail)


def test_mcnemar_is_one_without_a_difference() -> None:
    assert mcnemar_p(0, 0) == 1


@given(lost=st.integers(0, 30), won=st.integers(0, 30))
def test_mcnemar_does_not_care_which_is_the_reference(lost: int, won: int) -> None:
    p = mcnemar_p(lost, won)
    assert 0 < p <= 1
    assert p == pytest.approx(mcnemar_p(won, lost))


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
