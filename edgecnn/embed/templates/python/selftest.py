"""Does the model answer here as it did where it was made? Exit code 0 when it does, 1 when it does not."""

import base64
import sys
from typing import Any

import numpy as np
from classify import Classifier


def decode(array: dict[str, Any]) -> np.ndarray:
    """Return an array of the card."""
    return np.frombuffer(base64.b64decode(array["base64"]), array["dtype"]).reshape(array["shape"])


def main() -> int:
    """Run the golden images one by one, and compare with the probabilities in the card."""
    classifier = Classifier()
    golden = classifier.card["golden"]
    images, expected = decode(golden["images_nhwc"]), decode(golden["probabilities_nk"])
    found = np.concatenate([classifier.probabilities(image[None]) for image in images])
    gap = float(np.abs(found - expected).max())
    same = bool((found.argmax(axis=1) == expected.argmax(axis=1)).all())
    passed = same and gap <= golden["tolerance"]
    print(
        f"{'passed' if passed else 'FAILED'}: {len(images)} golden images, {'the same' if same else 'other'} labels, "
        f"largest probability gap {gap:.1e} (allowed {golden['tolerance']:g})"
    )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
