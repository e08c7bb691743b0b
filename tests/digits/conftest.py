"""The fixtures of reading."""

from digits.fixtures import classifier, digits, finder_file

__all__ = ["classifier", "digits", "finder_file"]
