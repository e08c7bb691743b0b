"""Layers left in float between int8 layers: their values go through a dequantizer and a quantizer."""

from edgecnn.audit.checks import _float
from edgecnn.audit.evidence import Evidence
from edgecnn.audit.found import Finding, Fine, Found

NAME, PLACE = "float-layers", 20


def look(evidence: Evidence) -> Found:
    """Find closed islands with weights that are floats in the file."""
    if reason := _float.not_looked(evidence):
        return reason(NAME)
    found = [island for island in evidence.islands if island.closed and island.products and not island.meant]
    if not found:
        ends = [kernel for island in evidence.islands if not island.closed for kernel in island.products]
        said = "no layer with weights is in float between int8 layers"
        if ends:
            share = _float.percent(sum(kernel.share for kernel in ends))
            said += f"; {_float.counted(len(ends), 'layer')} in float before or behind them, with {share} of the time"
        return Fine(NAME, said)
    products = [kernel.index for island in found for kernel in island.products]
    brings, how = _float.as_integers(evidence, found)
    return Finding(
        NAME,
        evidence.ran.names(products),
        f"{_float.counted(len(products), 'layer')} with float32 weights between int8 layers, with "
        f"{_float.counted(sum(kernel.is_quantizer for island in found for kernel in island.kernels), 'quantizer')} "
        f"around: {_float.percent(sum(island.share for island in found))} of the time",
        "quantize these layers too, unless they were left out for accuracy (compare with edgecnn verify)",
        brings,
        how,
    )
