"""Two models on the same images: metrics of both, and the statistics of the difference."""

from edgecnn.verify.compare import Comparison, compare, compare_files
from edgecnn.verify.compared import Compared, Evaluated
from edgecnn.verify.gate import Verdict
from edgecnn.verify.models import compare_models, evaluate

__all__ = [
    "Compared",
    "Comparison",
    "Evaluated",
    "Verdict",
    "compare",
    "compare_files",
    "compare_models",
    "evaluate",
]
