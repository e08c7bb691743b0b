"""Two models on the same images: metrics of both, and the statistics of the difference."""

from edgecnn.verify.compare import Comparison, compare, compare_files
from edgecnn.verify.either import compare_either
from edgecnn.verify.finds import FinderComparison, is_finder
from edgecnn.verify.gate import Verdict

__all__ = ["Comparison", "FinderComparison", "Verdict", "compare", "compare_either", "compare_files", "is_finder"]
