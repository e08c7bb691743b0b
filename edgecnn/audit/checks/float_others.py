"""What else is computed in float between int8 layers: norms, resizing, arithmetic."""

from edgecnn.audit.checks import _float
from edgecnn.audit.evidence import Evidence
from edgecnn.audit.found import Finding, Fine, Found

NAME, PLACE = "float-others", 40


def look(evidence: Evidence) -> Found:
    """Find closed islands without weights and activations."""
    if reason := _float.not_looked(evidence):
        return reason(NAME)
    found = [
        island for island in evidence.islands
        if island.closed and island.inner and not island.products and not island.activations
    ]  # fmt: skip
    if not found:
        return Fine(NAME, "no other operator is computed in float between int8 layers")
    share = sum(island.share for island in found)
    return Finding(
        NAME,
        evidence.ran.names(kernel.index for island in found for kernel in island.inner),
        f"{_float.operators(found)} in float32 at {_float.counted(len(found), 'place')} between int8 layers: "
        f"{_float.percent(share)} of the time",
        "fold norms into the convolution before them (edgecnn export does where nothing is between), quantize what has "
        "an int8 kernel (Add, Mul, Concat, Resize, pooling), and do the rest before or behind the int8 part",
        share,
        "all of what they and the quantizers and changes of layout around them take",
    )
