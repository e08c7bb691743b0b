"""Two models on the same images: metrics of both, and the statistics of the difference."""

from edgecnn.verify.compare import Comparison, compare, compare_files
from edgecnn.verify.finds import FinderComparison, compare_finders, is_finder

__all__ = ["Comparison", "FinderComparison", "compare", "compare_files", "compare_finders", "is_finder"]
