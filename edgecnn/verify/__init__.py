"""Two models on the same images: metrics of both, and the statistics of the difference."""

from typing import TYPE_CHECKING

from edgecnn import lazy

if TYPE_CHECKING:
    from edgecnn.verify.compare import Comparison, compare_files
    from edgecnn.verify.compared import Compared, Evaluated
    from edgecnn.verify.gate import Verdict
    from edgecnn.verify.models import evaluate, verify

__all__ = ["Compared", "Comparison", "Evaluated", "Verdict", "compare_files", "evaluate", "verify"]

lazy.stage(
    __name__,
    {
        "Compared": "compared",
        "Comparison": "compare",
        "Evaluated": "compared",
        "Verdict": "gate",
        "compare_files": "compare",
        "evaluate": "models",
        "verify": "models",
    },
)
