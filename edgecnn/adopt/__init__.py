"""From a classifier of others, an ONNX file, to one with edgecnn's contract, proven to answer as the original does."""

from typing import TYPE_CHECKING

from edgecnn import lazy

if TYPE_CHECKING:
    from edgecnn.adopt.model_file import Adopted, adopt

__all__ = ["Adopted", "adopt"]

lazy.stage(
    __name__,
    {
        "Adopted": "model_file",
        "adopt": "model_file",
    },
)
