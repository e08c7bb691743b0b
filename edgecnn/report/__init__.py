"""What people look at: the report of a model, pictures of a training, and the zoo's pages."""

from typing import TYPE_CHECKING

from edgecnn import lazy

if TYPE_CHECKING:
    from edgecnn.report.making import Report, report

__all__ = ["Report", "report"]

lazy.stage(__name__, {"Report": "making", "report": "making"})
