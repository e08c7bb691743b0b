"""From a checkpoint to one ONNX file that proves, before it gets its name, that it is still the same classifier.

uint8 pixels in, ``logits`` and ``probabilities`` out; preprocessing inside as standard operators; card and golden
images inside and beside; no external data, no trace of the builder's paths; the same bytes for the same checkpoint and
name.
"""

from edgecnn.export.export import Exported, export

__all__ = ["Exported", "export"]
