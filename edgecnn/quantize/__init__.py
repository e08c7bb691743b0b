"""Smaller forms of a model file, each measured against its parent before anything is called better."""

from edgecnn.quantize.choose import Candidate, Quantized, quantize

__all__ = ["Candidate", "Quantized", "quantize"]
