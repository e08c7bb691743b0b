"""Does the model answer here as it did where it was made? Exit code 0 when it does, 1 when it does not."""

import sys

import numpy as np
from classify import Classifier
from golden import compare, decode


def main() -> int:
    """Run the golden images one by one, and compare with the probabilities in the card."""
    classifier = Classifier()
    golden = classifier.card["golden"]
    images = decode(golden["images_nhwc"])
    passed, verdict = compare(np.concatenate([classifier.probabilities(image[None]) for image in images]), golden)
    print(verdict)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
