"""The golden image: whether a detector finds on it what it did where it was made."""

import base64
from typing import Any

import numpy as np

ANOTHER_PLACE = 0.5  # a box that covers less than this share of where it was is in another place


def decode(array: dict[str, Any]) -> np.ndarray:
    """Return an array of the card."""
    return np.frombuffer(base64.b64decode(array["base64"]), array["dtype"]).reshape(array["shape"])


def overlaps(a_n4: np.ndarray, b_m4: np.ndarray) -> np.ndarray:
    """Return intersection over union (N, M) of every box with every other."""
    a, b = a_n4[:, None], b_m4[None]
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    shared = (high - low).clip(0).prod(-1)
    result: np.ndarray = shared / (a[..., 2:].prod(-1) + b[..., 2:].prod(-1) - shared).clip(1e-6)
    return result


def compare(detected: tuple[np.ndarray, np.ndarray], golden: dict[str, Any]) -> tuple[bool, str]:
    """Return whether what was detected on the golden image is what the card allows, and the sentence that says so.

    Logarithms of a score and of what it leaves to one are compared: near one, it is the rest that tells. A score on the
    other side of one half counts where the card has it further off than is allowed.
    """
    boxes, scores = detected
    expected_boxes, expected = (decode(golden["answers"][name]) for name in ("boxes", "scores"))
    logarithms = "log_tolerance" in golden
    allowed = golden["log_tolerance"] if logarithms else golden["tolerance"]
    allowed_mean = golden["rms_tolerance"] if logarithms else golden["tolerance"]
    same = len(scores) == len(expected)
    if same and len(scores):
        same = bool((overlaps(boxes, expected_boxes).max(axis=0) > ANOTHER_PLACE).all())
    gaps = np.zeros(1)
    if same and len(scores):
        found, wanted = (np.stack([own, 1 - own]) for own in (scores, expected))
        if logarithms:
            found, wanted = (np.log(np.maximum(own.astype(float), 1e-30)) for own in (found, wanted))
        gaps = np.abs(found - wanted)
        turned = found.argmax(axis=0) != wanted.argmax(axis=0)
        same = not (turned & (np.abs(wanted[0] - wanted[1]) > (allowed if logarithms else -1))).any()
    largest, mean = gaps.max(), np.sqrt((gaps**2).mean())
    passed = bool(same and largest <= allowed and mean <= allowed_mean)
    return passed, (
        f"{'passed' if passed else 'FAILED'}: {len(scores)} detections of {len(expected)}, "
        f"{'the same' if same else 'others'}, largest {'log-' if logarithms else ''}score gap {largest:.1e} "
        f"(allowed {allowed:g}), root mean square {mean:.1e} (allowed {allowed_mean:g})"
    )
