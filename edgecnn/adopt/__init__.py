"""From a classifier of others, an ONNX file, to one with edgecnn's contract, proven to answer as the original does."""

from typing import TYPE_CHECKING

from edgecnn import lazy

if TYPE_CHECKING:
    from edgecnn.adopt.model_file import Adopted, adopt
    from edgecnn.adopt.proposal import Proposal, propose
    from edgecnn.adopt.said import Said

__all__ = ["Adopted", "Proposal", "Said", "adopt", "propose"]

lazy.stage(
    __name__,
    {
        "Adopted": "model_file",
        "Proposal": "proposal",
        "Said": "said",
        "adopt": "model_file",
        "propose": "proposal",
    },
)
