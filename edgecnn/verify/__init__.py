"""Is the candidate still the same classifier? Metrics of both, and a paired comparison with its statistics."""

from edgecnn.verify.compare import Comparison, compare, compare_files

__all__ = ["Comparison", "compare", "compare_files"]
