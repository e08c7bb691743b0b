"""Draws that more than one part of a page makes."""

import numpy as np


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw evenly by ratio between ``low`` and ``high``, where ``high`` is at least a hundredth above."""
    return float(np.exp(rng.uniform(np.log(low), np.log(max(high, low * 1.01)))))
