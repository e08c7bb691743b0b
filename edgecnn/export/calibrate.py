"""Make probabilities mean what they say: one temperature, fitted on the validation split, inside the file.

Logits are divided by it before the softmax, which changes no answer (Guo et al. 2017, "On calibration of modern neural
networks").
"""

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import Confidence
from edgecnn.metrics import expected_calibration_error

COLDEST, HOTTEST = 0.05, 20.0


def fitted(logits_nk: NDArray[np.float32], labels_n: NDArray[np.int64]) -> Confidence:
    """Return the temperature with the least mean cross entropy, and the calibration error before and after."""
    from scipy.optimize import minimize_scalar

    def cross_entropy(log_temperature: float) -> float:
        log_likely_nk = _log_softmax(logits_nk / np.exp(log_temperature))
        return float(-log_likely_nk[np.arange(len(labels_n)), labels_n].mean())

    best = minimize_scalar(cross_entropy, bounds=np.log((COLDEST, HOTTEST)), method="bounded")
    temperature = round(float(np.exp(best.x)), 3)
    before, after = (
        expected_calibration_error(np.exp(_log_softmax(logits_nk / divisor)), labels_n)
        for divisor in (1.0, temperature)
    )
    return Confidence(temperature, len(labels_n), before, after)


def _log_softmax(logits_nk: NDArray[np.float32]) -> NDArray[np.float64]:
    shifted_nk = logits_nk.astype(np.float64) - logits_nk.max(axis=1, keepdims=True)
    result: NDArray[np.float64] = shifted_nk - np.log(np.exp(shifted_nk).sum(axis=1, keepdims=True))
    return result
