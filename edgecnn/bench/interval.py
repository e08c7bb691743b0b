"""What launches and blocks show of a ratio: its 95 % interval, and the verdict that follows.

Two processes of the same program differ, by addresses, pages and cores, and more blocks in one process do not average
that out: what is independent is the launch. So each launch gives one number, the median of the log ratios of its paired
blocks, and the interval is Student's over the launches, as Kalibera and Jones have it ("Rigorous benchmarking in
reasonable time", ISMM 2013). Launches that agree by luck would make it too narrow: their variance counts for no less
than what the blocks within a launch alone would give it (the variance of a median by McKean and Schrader, 1984).
A bootstrap over so few launches is no way around that: of three it covers 75 %, as their range does
(``tests/bench/test_interval.py`` has the coverage of both).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Verdict = Literal["faster", "slower", "same", "too noisy"]

Z = 1.959964  # the normal's 97.5 % quantile
T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)  # Student's, of 1 to 10 degrees of freedom
WIDEST = 50.0  # of a logarithm: what nothing is known of has an end that JSON can say


@dataclass(frozen=True)
class Estimate:
    """A positive quantity with its 95 % interval, from so many launches."""

    value: float
    low: float
    high: float
    launches: int

    def is_within(self, precision: float) -> bool:
        """Tell whether the whole interval is no wider than ``precision``, a fraction of its lower end."""
        return self.high / self.low - 1 <= precision


def estimate(logs: Sequence[NDArray[np.float64]]) -> Estimate:
    """Return what the logarithms of blocks show, an array for each launch; at least two launches with a block each."""
    medians = np.array([np.median(launch) for launch in logs])
    count = len(medians)
    within = float(np.mean([_variance_of_median(launch) for launch in logs]))
    variance = max(float(medians.var(ddof=1)), within)
    half = min(student(count - 1) * math.sqrt(variance / count), WIDEST)
    center = float(medians.mean())
    return Estimate(math.exp(center), math.exp(center - half), math.exp(center + half), count)


def verdict(low: float, high: float, precision: float) -> Verdict:
    """Say what an interval of latency ratios shows: the same within ``precision`` (a fraction), faster, slower or,
    where it holds both no difference and one that matters, too noisy."""
    if low >= 1 / (1 + precision) and high <= 1 + precision:
        return "same"
    if high < 1:
        return "faster"
    return "slower" if low > 1 else "too noisy"


def student(degrees: int) -> float:
    """Return the 97.5 % quantile of Student's distribution (beyond ten degrees by its Cornish-Fisher expansion).

    >>> round(student(11), 3), round(student(1000), 3)
    (2.201, 1.962)
    """
    if degrees <= len(T):
        return T[degrees - 1]
    terms = (
        (Z**3 + Z) / 4,
        (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
        (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
    )
    return Z + sum(term / float(degrees**power) for power, term in enumerate(terms, start=1))


def _variance_of_median(values: NDArray[np.float64]) -> float:
    """Estimate the variance of a sample's median from the order statistics that are 1.96 deviations beside it."""
    count = len(values)
    beside = max(round((count + 1) / 2 - Z * math.sqrt(count / 4)) - 1, 0)
    ordered = np.sort(values)
    deviation: float = (ordered[count - 1 - beside] - ordered[beside]) / (2 * Z)
    return deviation * deviation
