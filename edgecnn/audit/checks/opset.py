"""The opset of a quantized file: below 21 other runtimes may not take it."""

from edgecnn.audit.evidence import Evidence
from edgecnn.audit.found import Finding, Fine, Found
from edgecnn.onnx_file import OPSET

NAME, PLACE = "opset", 120


def look(evidence: Evidence) -> Found:
    """Compare with edgecnn's."""
    if evidence.opset >= OPSET or not evidence.is_integer:
        return Fine(NAME, f"opset {evidence.opset}")
    return Finding(
        NAME,
        [],
        f"an int8 file of opset {evidence.opset}; int8 tensors are in every standard operator from {OPSET} on",
        f"quantize a float32 file of opset {OPSET}, as edgecnn's are (edgecnn adopt brings others to it)",
        None,
        "other runtimes that take it; no time here",
    )
