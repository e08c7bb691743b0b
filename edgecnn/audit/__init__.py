"""Where the time and the signal of a model file go, and what to change: the kernels that really ran, and findings."""

from typing import TYPE_CHECKING

from edgecnn import lazy

if TYPE_CHECKING:
    from edgecnn.audit.auditing import Audit, audit
    from edgecnn.audit.found import Finding, Fine, Unseen

__all__ = ["Audit", "Finding", "Fine", "Unseen", "audit"]

lazy.stage(
    __name__,
    {
        "Audit": "auditing",
        "Finding": "found",
        "Fine": "found",
        "Unseen": "found",
        "audit": "auditing",
    },
)
