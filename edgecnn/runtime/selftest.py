"""Does this file still answer, here, as it did where it was made? It carries the golden images that tell."""

from dataclasses import dataclass

import numpy as np

from edgecnn.runtime.classifier import Classifier
from edgecnn.runtime.finder import Finder


@dataclass(frozen=True)
class SelfTest:
    """The golden images against this machine: probabilities, and one image at a time against the batch."""

    model: str
    images: int
    max_abs_probability_gap: float
    max_abs_batch_gap: float
    tolerance: float
    same_labels: bool
    provider: str
    passed: bool


def selftest(model: Classifier | Finder) -> SelfTest:
    """Run the golden images as one batch and one by one, and compare both with the card. A finder's is one page."""
    return _finds_again(model) if isinstance(model, Finder) else _classifies_again(model)


def _finds_again(finder: Finder) -> SelfTest:
    golden = finder.card.golden
    wanted_m, found_m = golden.probabilities_nk[0], finder.find(golden.images_nhwc[0]).scores_m
    same = len(found_m) == len(wanted_m)
    gap = float(np.abs(found_m - wanted_m).max(initial=0)) if same else 1.0
    return SelfTest(
        model=finder.card.name,
        images=1,
        max_abs_probability_gap=gap,
        max_abs_batch_gap=0.0,
        tolerance=golden.tolerance,
        same_labels=same,
        provider=finder.provider,
        passed=same and gap <= golden.tolerance,
    )


def _classifies_again(classifier: Classifier) -> SelfTest:
    golden = classifier.card.golden
    together_nk = classifier.probabilities(golden.images_nhwc)
    single_nk = np.concatenate([classifier.probabilities(image[None]) for image in golden.images_nhwc])
    gap = float(np.abs(together_nk - golden.probabilities_nk).max())
    batch_gap = float(np.abs(together_nk - single_nk).max())
    same = bool((together_nk.argmax(axis=1) == golden.probabilities_nk.argmax(axis=1)).all())
    return SelfTest(
        model=classifier.card.name,
        images=len(golden.images_nhwc),
        max_abs_probability_gap=gap,
        max_abs_batch_gap=batch_gap,
        tolerance=golden.tolerance,
        same_labels=same,
        provider=classifier.provider,
        passed=same and gap <= golden.tolerance and batch_gap <= golden.tolerance,
    )
