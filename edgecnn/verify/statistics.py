"""What a difference between two classifiers on the same images is worth."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z95 = 1.959963984540054  # the normal distribution has 95 % of itself within so many standard deviations
UNLUCKY = 0.8416212335729143  # and 80 % of itself below so many above its mean
HALVINGS = 60  # of an interval of length 2, which is more than a float64 resolves


def drop_ci95_pp(lost: float, won: float, images: float) -> tuple[float, float]:
    """Return the 95 % interval of a drop in accuracy (percentage points) that was seen on so many images.

    ``lost`` of them only the reference has right, ``won`` only the candidate: see ``drop_intervals``.
    """
    low, high = drop_intervals(lost, won, images)
    return float(low) * 100, float(high) * 100


def expected_ci95_pp(lost: int, won: int, images: int, count: int, luck: float) -> tuple[float, float]:
    """Return the 95 % interval that ``count`` images would give, were their true shares those of the ``images`` seen.

    The drop on them is taken ``luck`` standard deviations above the one to be expected. Half an image more is lost and
    won, so that the shares are not taken for nothing where nothing was seen (Jeffreys' prior).
    """
    lost_share, won_share = ((seen + 0.5) / (images + 1) for seen in (lost, won))
    drop, flips = lost_share - won_share, lost_share + won_share
    variance = flips - drop**2
    drops = count * drop + luck * np.sqrt(count * variance)
    flipped = max(count * flips + (drops - count * drop) * drop * (1 - flips) / variance, abs(drops))
    return drop_ci95_pp((flipped + drops) / 2, (flipped - drops) / 2, count)


def drop_intervals(
    lost_m: ArrayLike, won_m: ArrayLike, images: ArrayLike, z: float = Z95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return 95 % intervals (fractions) of paired differences of proportions, element by element.

    With another ``z`` than Z95 they reach so many standard errors to each side.

    Each is the hull of two: Tango's score interval (Tango 1998), which alone holds the truth in 93 % of cases where
    all flips go one way, and ``padded_interval`` (after Agresti and Min 2005), which alone is a little short at the
    upper end there. The hull holds it in 95 % and more; docs/results/statistics.md has what each was measured to hold.
    """
    lost, won, count = (np.asarray(part, np.float64) for part in (lost_m, won_m, images))
    score = tango_intervals(lost, won, count, z)
    padded = padded_interval(lost - won, lost + won, count, z)
    return np.minimum(score[0], padded[0]), np.maximum(score[1], padded[1])


def tango_intervals(
    lost_m: NDArray[np.float64], won_m: NDArray[np.float64], images: float | NDArray[np.float64], z: float = Z95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the differences that a score test of the paired proportions does not reject at 5 % (Tango 1998)."""
    seen_m = (lost_m - won_m) / images

    def end(low_m: NDArray[np.float64], high_m: NDArray[np.float64], limit: float) -> NDArray[np.float64]:
        for _ in range(HALVINGS):
            middle_m = (low_m + high_m) / 2
            above_m = _score(middle_m, lost_m, won_m, images) > limit
            low_m, high_m = np.where(above_m, middle_m, low_m), np.where(above_m, high_m, middle_m)
        return (low_m + high_m) / 2

    ones_m = np.ones_like(seen_m)
    return end(-ones_m, seen_m, z), end(seen_m, ones_m, -z)


def _score(
    difference_m: NDArray[np.float64],
    lost_m: NDArray[np.float64],
    won_m: NDArray[np.float64],
    images: float | NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the score statistic of a difference; it falls as the difference grows.

    ``q`` is the likeliest share of images that only the candidate has right, were that the true difference.
    """
    a = 2 * images
    b = (2 * images - lost_m + won_m) * difference_m - lost_m - won_m
    c = -won_m * difference_m * (1 - difference_m)
    q_m = (np.sqrt(np.maximum(b * b - 4 * a * c, 0)) - b) / (2 * a)
    variance_m = images * (2 * q_m + difference_m * (1 - difference_m))
    score_m: NDArray[np.float64] = (lost_m - won_m - images * difference_m) / np.sqrt(np.maximum(variance_m, 1e-300))
    return score_m


def padded_interval(
    sum_m: ArrayLike, squares_m: ArrayLike, count: float | NDArray[np.float64], z: float = Z95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return 95 % intervals of a mean over ``count`` cases, given the sum of the cases and of their squares.

    It is the normal interval with z² cases more, half of them +1 and half -1: the most that a case can count. So it has
    a width where no case counted at all, z² / (n + z²). For paired proportions Agresti and Min (2005) add two cases;
    with z² it is Tango's interval where nothing flipped.
    """
    padded = count + z**2
    mean_m = np.asarray(sum_m, np.float64) / padded
    half_m = z * np.sqrt(((np.asarray(squares_m, np.float64) + z**2) / padded - mean_m**2) / padded)
    return np.maximum(mean_m - half_m, -1), np.minimum(mean_m + half_m, 1)


def share_interval(right: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, ``right`` of ``count`` (Wilson 1927)."""
    from scipy.stats import binomtest

    found = binomtest(right, count).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def mcnemar_p(lost: int, won: int) -> float:
    """Return the exact two-sided p of McNemar's test (McNemar 1947): could the images that only one of both gets right
    be divided like this by chance? 1 when there is no such image."""
    from scipy.stats import binomtest

    return float(binomtest(lost, lost + won, 0.5).pvalue) if lost + won else 1.0


def roc_auc(truth_n: NDArray[np.int64], probabilities_nk: NDArray[np.float64]) -> float | None:
    """Return the macro one-against-rest area under the ROC curve, or None where some class has no image."""
    from sklearn.metrics import roc_auc_score

    classes = probabilities_nk.shape[1]
    if len(np.unique(truth_n)) < classes:
        return None
    if classes == 2:
        return float(roc_auc_score(truth_n, probabilities_nk[:, 1]))
    return float(roc_auc_score(truth_n, probabilities_nk, multi_class="ovr", average="macro"))
