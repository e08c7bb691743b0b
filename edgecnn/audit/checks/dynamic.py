"""Convolutions whose activations are ranged as they come, image by image."""

from edgecnn.audit.checks._float import counted, percent
from edgecnn.audit.evidence import Evidence
from edgecnn.audit.found import Finding, Fine, Found

NAME, PLACE = "dynamic", 80


def look(evidence: Evidence) -> Found:
    """Find integer convolutions without fixed ranges."""
    found = [kernel for kernel in evidence.ran.kernels if kernel.operator == "ConvInteger"]
    if not found:
        return Fine(NAME, "no convolution ranges its activations as they come")
    share = sum(kernel.share for kernel in found)
    brings, how = None, "not estimated without the float32 file"
    if evidence.reference is not None:
        total = evidence.ran.microseconds
        floats = sum(k.microseconds for k in evidence.reference.ran.kernels if k.is_convolution)
        brings = max(0.0, share - floats / total)
        how = f"the float32 file's convolutions take {percent(floats / total)} of this file's time"
    return Finding(
        NAME,
        evidence.ran.names(kernel.index for kernel in found),
        f"{counted(len(found), 'convolution')} as ConvInteger, dynamic quantization, which has no fast kernel: "
        f"{percent(share)} of the time",
        "quantize convolutions with ranges from images (edgecnn quantize --method static), or leave them in float32",
        brings,
        how,
    )
