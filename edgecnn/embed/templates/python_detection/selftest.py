"""Does the model detect here what it did where it was made? Exit code 0 when it does, 1 when it does not."""

import sys

from detect import Detector
from golden import compare, decode


def main() -> int:
    """Detect on the golden image, and compare with the card."""
    detector = Detector()
    golden = detector.card["golden"]
    passed, verdict = compare(detector.detect(decode(golden["images_nhwc"])[0, ..., 0]), golden)
    print(verdict)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
