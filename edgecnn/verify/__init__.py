"""Two models on the same images: metrics of both, and the statistics of the difference."""

from edgecnn.verify.compare import Comparison, compare, compare_files
from edgecnn.verify.either import compare_either
from edgecnn.verify.finds import FinderComparison, is_finder

__all__ = ["Comparison", "FinderComparison", "compare", "compare_either", "compare_files", "is_finder"]
