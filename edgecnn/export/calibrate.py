"""Make probabilities mean what they say: one temperature, fitted on the validation split, inside the file.

Logits are divided by it before the softmax, which changes no answer (Guo et al. 2017, "On calibration of modern neural
networks").
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import Confidence
from edgecnn.metrics import expected_calibration_error

COLDEST, HOTTEST = 0.05, 20.0
LEAST = 4  # images that can be halved
CROSSED = "each half of the images, by the temperature that fits the other half"


def fitted(logits_nk: NDArray[np.float32], labels_n: NDArray[np.int64]) -> Confidence:
    """Return the temperature with the least mean cross entropy, and the calibration error before and after.

    The error after is measured on images that had no part in the temperature: each half is divided by the one that fits
    the other half best, and the error is that of both together. The file gets the temperature of all images.
    """
    before = expected_calibration_error(_probabilities(logits_nk), labels_n)
    temperature = _temperature(logits_nk, labels_n)
    if len(labels_n) < LEAST:
        after = expected_calibration_error(_probabilities(logits_nk / temperature), labels_n)
        return Confidence(temperature, len(labels_n), before, after)
    crossed_nk = logits_nk.astype(np.float64)
    first, second = _halves(labels_n)
    for own, other in ((first, second), (second, first)):
        crossed_nk[own] /= _temperature(logits_nk[other], labels_n[other])
    after = expected_calibration_error(_probabilities(crossed_nk), labels_n)
    return Confidence(temperature, len(labels_n), before, after, after_on=CROSSED)


def _temperature(logits_nk: NDArray[np.float32], labels_n: NDArray[np.int64]) -> float:
    from scipy.optimize import minimize_scalar

    def cross_entropy(log_temperature: float) -> float:
        log_likely_nk = _log_softmax(logits_nk / np.exp(log_temperature))
        return float(-log_likely_nk[np.arange(len(labels_n)), labels_n].mean())

    best = minimize_scalar(cross_entropy, bounds=np.log((COLDEST, HOTTEST)), method="bounded")
    return round(float(np.exp(best.x)), 3)


def _halves(labels_n: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide positions into two, each class in half, the same for the same labels."""
    shuffled = np.random.default_rng(0).permutation(len(labels_n))
    by_class = shuffled[np.argsort(labels_n[shuffled], kind="stable")]
    return by_class[::2], by_class[1::2]


def _probabilities(logits_nk: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.exp(_log_softmax(logits_nk))
    return result


def _log_softmax(logits_nk: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    shifted_nk = logits_nk.astype(np.float64) - logits_nk.max(axis=1, keepdims=True)
    result: NDArray[np.float64] = shifted_nk - np.log(np.exp(shifted_nk).sum(axis=1, keepdims=True))
    return result
