"""Activations that have no int8 kernel, so that they are computed in float between int8 layers."""

from edgecnn.audit.checks import _float
from edgecnn.audit.evidence import Evidence
from edgecnn.audit.found import Finding, Fine, Found

NAME, PLACE = "float-activations", 30


def look(evidence: Evidence) -> Found:
    """Find closed islands with an activation and no weights."""
    if reason := _float.not_looked(evidence):
        return reason(NAME)
    found = [island for island in evidence.islands if island.closed and island.activations and not island.products]
    if not found:
        return Fine(NAME, "no activation is computed in float between int8 layers")
    activations = [kernel for island in found for kernel in island.activations]
    share = sum(island.share for island in found)
    return Finding(
        NAME,
        evidence.ran.names(kernel.index for kernel in activations),
        f"{', '.join(dict.fromkeys(kernel.operator for kernel in activations))} in float32 at "
        f"{_float.counted(len(found), 'place')} between int8 layers: {_float.percent(share)} of the time, of which "
        f"{_float.percent(sum(kernel.share for island in found for kernel in island.kernels if kernel.is_quantizer))} "
        "are quantizing and back",
        "train with ReLU or ReLU6, which are part of the int8 convolution before them",
        share,
        f"all of what {_float.operators(found)} and the quantizers and changes of layout around them take",
    )
