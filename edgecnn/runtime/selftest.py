"""Does this file still answer, here, as it did where it was made? It carries the golden images that tell."""

from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import Golden
from edgecnn.runtime.load import task_of
from edgecnn.runtime.model import Model

LEAST_PROBABILITY = 1e-30  # softmax gives nothing reliable below: some runtimes flush what is smaller to zero


@dataclass(frozen=True)
class SelfTest:
    """The golden images against this machine: probabilities, and one image at a time against the batch.

    The two gaps of logarithms, and what is allowed of them, are None for a card that only allows a gap of
    probabilities (``tolerance``), which older ones do.
    """

    model: str
    images: int
    max_abs_probability_gap: float
    max_abs_batch_gap: float
    tolerance: float
    same_labels: bool
    provider: str
    passed: bool
    max_abs_log_gap: float | None = None
    rms_log_gap: float | None = None
    log_tolerance: float | None = None
    rms_tolerance: float | None = None

    @property
    def gaps(self) -> str:
        """Say how far the answers are from the card's, and how far they may be."""
        if self.log_tolerance is None:
            return (
                f"largest probability gap {self.max_abs_probability_gap:.1e}, one by one against the batch "
                f"{self.max_abs_batch_gap:.1e} (allowed {self.tolerance:g})"
            )
        if self.max_abs_log_gap is None:
            return "another number of answers, or in other places"
        return (
            f"largest log-probability gap {self.max_abs_log_gap:.1e} (allowed {self.log_tolerance:g}), "
            f"root mean square {self.rms_log_gap:.1e} (allowed {self.rms_tolerance:g})"
        )


@dataclass(frozen=True)
class Verdict:
    """One set of answers against those in the card."""

    max_abs_probability_gap: float
    max_abs_log_gap: float
    rms_log_gap: float
    same_labels: bool
    passed: bool


class SelfTestingTask(Protocol):
    """What is asked of a task here."""

    def selftest(self, model: Model) -> SelfTest:
        """Run the golden images, and compare the answers with those in the card."""


def selftest(model: Model) -> SelfTest:
    """Run the golden images, and compare the answers with those in the card, as the model's task does it."""
    return cast(SelfTestingTask, task_of(model.card, model.name)).selftest(model)


def log_gaps(found: NDArray[np.float32], expected: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how far the logarithms of probabilities are apart; what is below 1e-30 counts as that."""
    logarithms = (np.log(np.maximum(own.astype(np.float64), LEAST_PROBABILITY)) for own in (found, expected))
    return np.abs(np.subtract(*logarithms))


def judged(golden: Golden, expected_nk: NDArray[np.float32], found_nk: NDArray[np.float32]) -> Verdict:
    """Hold probabilities of the golden images to the card: within what it allows, NaN never, and the same labels.

    Where the card allows gaps of logarithms, another label counts where the card has the two further apart than that.
    """
    gaps_nk = log_gaps(found_nk, expected_nk)
    largest, mean = float(gaps_nk.max(initial=0)), float(np.sqrt((gaps_nk**2).mean())) if gaps_nk.size else 0.0
    gap = float(np.abs(found_nk - expected_nk).max(initial=0))
    best_n, found_n = expected_nk.argmax(axis=1), found_nk.argmax(axis=1)
    differs_n = found_n != best_n
    if golden.log_tolerance is None or golden.rms_tolerance is None:
        within = gap <= golden.tolerance
    else:
        within = largest <= golden.log_tolerance and mean <= golden.rms_tolerance
        images = np.arange(len(expected_nk))
        differs_n &= log_gaps(expected_nk[images, best_n], expected_nk[images, found_n]) > golden.log_tolerance
    same = not differs_n.any()
    return Verdict(gap, largest, mean, same, passed=same and within)


def logarithms(golden: Golden, verdict: Verdict | None) -> dict[str, float | None]:
    """Return what is said of logarithms: nothing for a card that does not speak of them."""
    if golden.log_tolerance is None:
        return {}
    return {
        "max_abs_log_gap": verdict.max_abs_log_gap if verdict else None,
        "rms_log_gap": verdict.rms_log_gap if verdict else None,
        "log_tolerance": golden.log_tolerance,
        "rms_tolerance": golden.rms_tolerance,
    }
