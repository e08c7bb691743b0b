"""Smaller forms of a model file, each measured against its parent before anything is called better."""

from edgecnn.quantize.choose import quantize
from edgecnn.quantize.figures import Candidate, Quantized

__all__ = ["Candidate", "Quantized", "quantize"]
