"""A detector's golden image, with the boxes and scores that the file has for it."""

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import Golden
from edgecnn.golden import allowed, exact_session, is_quantized
from edgecnn.runtime.selftest import log_gaps
from edgecnn.tasks._detection.golden_again import two_classes

SCORE_TOLERANCE, SCORE_TOLERANCE_INT8 = 1e-3, 0.05


def measured(graph: bytes, image_nhwc: NDArray[np.uint8]) -> Golden:
    """Return a golden image (1, H, W, 1) with what a serialized detector says of it, and what is allowed of any other
    answer: so many times what its own answers differ by under other threads and without optimizations."""
    boxes_m4, scores_m = _answers(graph, image_nhwc)
    others = [_answers(graph, image_nhwc, threads=2)[1], _answers(graph, image_nhwc, optimized=False)[1]]
    gaps = [log_gaps(two_classes(own), two_classes(scores_m)) for own in others if len(own) == len(scores_m)]
    largest = max((float(gaps_m2.max(initial=0)) for gaps_m2 in gaps), default=0.0)
    int8 = is_quantized(graph)
    return Golden(
        image_nhwc,
        {"boxes": boxes_m4, "scores": scores_m},
        SCORE_TOLERANCE_INT8 if int8 else SCORE_TOLERANCE,
        *allowed(two_classes(scores_m), largest, largest / 2, int8=int8),
    )


def _answers(
    graph: bytes, image_nhwc: NDArray[np.uint8], *, threads: int = 1, optimized: bool = True
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    session = exact_session(graph, threads=threads, optimized=optimized)
    boxes_m4, scores_m = session.run(["boxes", "scores"], {"frame": image_nhwc})
    return boxes_m4, scores_m
