"""What a difference between two classifiers on the same images is worth."""

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000


def bootstrap_drop_pp(
    reference_right_n: NDArray[np.bool_], candidate_right_n: NDArray[np.bool_], *, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % interval of the drop in accuracy (percentage points), by a paired bootstrap over the images.

    An image contributes +1 (only the reference is right), -1 (only the candidate) or 0. Drawing n images with
    replacement is drawing the three counts from a multinomial distribution, so nothing of size n is resampled.
    """
    n = len(reference_right_n)
    lost, won = int((reference_right_n & ~candidate_right_n).sum()), int((~reference_right_n & candidate_right_n).sum())
    counts = np.random.default_rng(seed).multinomial(n, [lost / n, won / n, (n - lost - won) / n], size=RESAMPLES)
    drops_pp = (counts[:, 0] - counts[:, 1]) / n * 100
    low, high = np.percentile(drops_pp, [2.5, 97.5])
    return float(low), float(high)


def mcnemar_p(reference_right_n: NDArray[np.bool_], candidate_right_n: NDArray[np.bool_]) -> float:
    """Return the exact two-sided p of McNemar's test (McNemar 1947): could the images that only one of both gets right
    be divided like this by chance? 1 when there is no such image."""
    from scipy.stats import binomtest

    lost, won = int((reference_right_n & ~candidate_right_n).sum()), int((~reference_right_n & candidate_right_n).sum())
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
