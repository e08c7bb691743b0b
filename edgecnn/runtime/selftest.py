"""Does this file still answer, here, as it did where it was made? It carries the golden images that tell."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgecnn.boxes import overlaps
from edgecnn.card import Golden
from edgecnn.runtime.classifier import Classifier
from edgecnn.runtime.finder import Finder, Finds

LEAST_PROBABILITY = 1e-30  # softmax gives nothing reliable below: some runtimes flush what is smaller to zero
ANOTHER_PLACE = 0.5  # a find whose box covers less than this share of where it was is none


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
            return "other finds"
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


def selftest(model: Classifier | Finder) -> SelfTest:
    """Run the golden images as one batch and one by one, and compare both with the card. A finder's is one page."""
    return _finds_again(model) if isinstance(model, Finder) else _classifies_again(model)


def log_gaps(found: NDArray[np.float32], expected: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how far the logarithms of probabilities are apart; what is below 1e-30 counts as that."""
    logarithms = (np.log(np.maximum(own.astype(np.float64), LEAST_PROBABILITY)) for own in (found, expected))
    return np.abs(np.subtract(*logarithms))


def judged(golden: Golden, found_nk: NDArray[np.float32]) -> Verdict:
    """Hold probabilities of the golden images to the card: within what it allows, NaN never, and the same labels.

    Where the card allows gaps of logarithms, another label counts where the card has the two further apart than that.
    """
    expected_nk = golden.probabilities_nk
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


def two_classes(scores_m: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return scores and what they leave to one (M, 2): near one, it is the rest that tells."""
    return np.stack([scores_m, 1 - scores_m], axis=1)


def same_finds(golden: Golden, found: Finds) -> bool:
    """Tell whether a finder found as many as the card has and, where the card has their boxes, each in its place."""
    if len(found) != golden.probabilities_nk.shape[1]:
        return False
    if golden.boxes_m4 is None or not len(found):
        return True
    return bool((overlaps(found.boxes_m4, golden.boxes_m4).max(axis=0) > ANOTHER_PLACE).all())


def _finds_again(finder: Finder) -> SelfTest:
    golden = finder.card.golden
    found = finder.find(golden.images_nhwc[0])
    same = same_finds(golden, found)
    verdict = _scores_judged(golden, found) if same else None
    return SelfTest(
        model=finder.card.name,
        images=1,
        max_abs_probability_gap=verdict.max_abs_probability_gap if verdict else 1.0,
        max_abs_batch_gap=0.0,
        tolerance=golden.tolerance,
        same_labels=same,
        provider=finder.provider,
        passed=verdict is not None and verdict.passed,
        **_logarithms(golden, verdict),
    )


def _scores_judged(golden: Golden, found: Finds) -> Verdict:
    """Compare scores, best first."""
    return judged(
        replace(golden, probabilities_nk=two_classes(golden.probabilities_nk[0])), two_classes(found.scores_m)
    )


def _classifies_again(classifier: Classifier) -> SelfTest:
    golden = classifier.card.golden
    together_nk = classifier.probabilities(golden.images_nhwc)
    single_nk = np.concatenate([classifier.probabilities(image[None]) for image in golden.images_nhwc])
    verdicts = [judged(golden, answers_nk) for answers_nk in (together_nk, single_nk)]
    worst = max(verdicts, key=lambda verdict: (not verdict.passed, verdict.max_abs_log_gap))
    batch_gap = float(np.abs(together_nk - single_nk).max())
    return SelfTest(
        model=classifier.card.name,
        images=len(golden.images_nhwc),
        max_abs_probability_gap=worst.max_abs_probability_gap,
        max_abs_batch_gap=batch_gap,
        tolerance=golden.tolerance,
        same_labels=worst.same_labels,
        provider=classifier.provider,
        passed=worst.passed and (golden.log_tolerance is not None or batch_gap <= golden.tolerance),
        **_logarithms(golden, worst),
    )


def _logarithms(golden: Golden, verdict: Verdict | None) -> dict[str, float | None]:
    """Return what is said of logarithms: nothing for a card that does not speak of them."""
    if golden.log_tolerance is None:
        return {}
    return {
        "max_abs_log_gap": verdict.max_abs_log_gap if verdict else None,
        "rms_log_gap": verdict.rms_log_gap if verdict else None,
        "log_tolerance": golden.log_tolerance,
        "rms_tolerance": golden.rms_tolerance,
    }
