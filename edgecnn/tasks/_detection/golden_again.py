"""A detector's golden image, looked at again."""

import numpy as np
from numpy.typing import NDArray

from edgecnn.boxes import overlaps
from edgecnn.card import Golden
from edgecnn.errors import CardError
from edgecnn.runtime.model import Model
from edgecnn.runtime.selftest import SelfTest, judged, logarithms

ANOTHER_PLACE = 0.5  # a box that covers less than this share of where it was is in another place


def detected_again(model: Model) -> SelfTest:
    """Run the golden image, and compare boxes and scores with those in the card."""
    golden = model.card.golden
    expected_m = _scores(golden, model.name)
    found = model.answers(golden.images_nhwc[:1])
    same = same_places(golden, found["boxes"])
    verdict = judged(golden, two_classes(expected_m), two_classes(found["scores"])) if same else None
    return SelfTest(
        model=model.card.name,
        images=1,
        max_abs_probability_gap=verdict.max_abs_probability_gap if verdict else 1.0,
        max_abs_batch_gap=0.0,
        tolerance=golden.tolerance,
        same_labels=same,
        provider=model.provider,
        passed=verdict is not None and verdict.passed,
        **logarithms(golden, verdict),
    )


def two_classes(scores_m: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return scores and what they leave to one (M, 2): near one, it is the rest that tells."""
    return np.stack([scores_m, 1 - scores_m], axis=1)


def same_places(golden: Golden, boxes_m4: NDArray[np.float32]) -> bool:
    """Tell whether as many were detected as the card has and, where the card has their boxes, each in its place."""
    if len(boxes_m4) != len(golden.answers["scores"]):
        return False
    if "boxes" not in golden.answers or not len(boxes_m4):
        return True
    return bool((overlaps(boxes_m4, golden.answers["boxes"]).max(axis=0) > ANOTHER_PLACE).all())


def _scores(golden: Golden, name: str) -> NDArray[np.float32]:
    scores_m, boxes_m4 = golden.answers.get("scores"), golden.answers.get("boxes")
    if scores_m is None or scores_m.ndim != 1 or (boxes_m4 is not None and boxes_m4.shape != (len(scores_m), 4)):
        found = {output: array.shape for output, array in golden.answers.items()}
        raise CardError(
            f"{name}: its golden answers are {found}, expected scores (M,) and boxes (M, 4). Export the model again."
        )
    return scores_m
