"""The fixtures of reading."""

from digits.fixtures import classifier, detector_file, digits

__all__ = ["classifier", "detector_file", "digits"]
