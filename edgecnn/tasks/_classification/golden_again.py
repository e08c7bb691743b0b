"""A classifier's golden images, classified again."""

import numpy as np

from edgecnn.runtime.model import Model
from edgecnn.runtime.selftest import SelfTest, judged, logarithms


def classified_again(model: Model) -> SelfTest:
    """Run the golden images as one batch and one by one, and compare both with the card."""
    golden = model.card.golden
    together_nk = model.answers(golden.images_nhwc)["probabilities"]
    single_nk = np.concatenate([model.answers(image[None])["probabilities"] for image in golden.images_nhwc])
    verdicts = [judged(golden, golden.probabilities_nk, answers_nk) for answers_nk in (together_nk, single_nk)]
    worst = max(verdicts, key=lambda verdict: (not verdict.passed, verdict.max_abs_log_gap))
    batch_gap = float(np.abs(together_nk - single_nk).max())
    return SelfTest(
        model=model.card.name,
        images=len(golden.images_nhwc),
        max_abs_probability_gap=worst.max_abs_probability_gap,
        max_abs_batch_gap=batch_gap,
        tolerance=golden.tolerance,
        same_labels=worst.same_labels,
        provider=model.provider,
        passed=worst.passed and (golden.log_tolerance is not None or batch_gap <= golden.tolerance),
        **logarithms(golden, worst),
    )
