"""Golden images: whether a classifier answers them as it did where it was made."""

import base64
from typing import Any

import numpy as np


def decode(array: dict[str, Any]) -> np.ndarray:
    """Return an array of the card."""
    return np.frombuffer(base64.b64decode(array["base64"]), array["dtype"]).reshape(array["shape"])


def compare(found: np.ndarray, golden: dict[str, Any]) -> tuple[bool, str]:
    """Return whether probabilities of the golden images are what the card allows, and the sentence that says so.

    Logarithms are compared, as probabilities near one hide what happened to the rest; old cards lack what they allow.
    """
    expected, logarithms = decode(golden["answers"]["probabilities"]), "log_tolerance" in golden
    allowed = golden["log_tolerance"] if logarithms else golden["tolerance"]
    allowed_mean = golden["rms_tolerance"] if logarithms else golden["tolerance"]
    wanted, best = expected.argmax(axis=1), found.argmax(axis=1)
    if logarithms:
        found, expected = (np.log(np.maximum(own.astype(float), 1e-30)) for own in (found, expected))
    gaps = np.abs(found - expected)
    largest, mean = gaps.max(), np.sqrt((gaps**2).mean())
    images = np.arange(len(expected))
    apart = expected[images, wanted] - expected[images, best]  # another label counts where the card has them so
    same = not ((wanted != best) & (apart > (allowed if logarithms else -1))).any()
    passed = bool(same and largest <= allowed and mean <= allowed_mean)
    return passed, (
        f"{'passed' if passed else 'FAILED'}: {len(images)} golden images, {'the same' if same else 'other'} labels, "
        f"largest {'log-' if logarithms else ''}probability gap {largest:.1e} (allowed {allowed:g}), "
        f"root mean square {mean:.1e} (allowed {allowed_mean:g})"
    )
