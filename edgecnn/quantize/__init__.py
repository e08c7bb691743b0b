"""Smaller forms of a model file, each measured against its parent before anything is called better."""

from typing import TYPE_CHECKING

from edgecnn import lazy

if TYPE_CHECKING:
    from edgecnn.quantize.choose import quantize
    from edgecnn.quantize.figures import Candidate, Quantized

__all__ = ["Candidate", "Quantized", "quantize"]

lazy.stage(
    __name__,
    {
        "Candidate": "figures",
        "Quantized": "figures",
        "quantize": "choose",
    },
)
