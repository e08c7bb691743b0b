"""Layers whose weights are int8 in the file and that were computed in float all the same."""

from edgecnn.audit.checks import _float
from edgecnn.audit.evidence import Evidence
from edgecnn.audit.found import Finding, Fine, Found

NAME, PLACE = "unfused-layers", 10


def look(evidence: Evidence) -> Found:
    """Find them in what ran."""
    if reason := _float.not_looked(evidence):
        return reason(NAME)
    found = [island for island in evidence.islands if island.meant]
    if not found:
        return Fine(NAME, "every layer with int8 weights ran as integers")
    meant = [index for island in found for index in island.meant]
    ran = evidence.ran
    brings, how = _float.as_integers(evidence, found)
    return Finding(
        NAME,
        ran.names(meant),
        f"{_float.counted(len(meant), 'layer')} with int8 weights ran as "
        f"{', '.join(dict.fromkeys(ran.kernels[index].operator for index in meant))} in float32, after their integers "
        f"were turned into floats: {_float.percent(sum(island.share for island in found))} of the time",
        "quantize what comes in and what goes out of each layer, as a runtime joins a layer with the dequantizers "
        "before it and the quantizer behind it; activations uint8, weights int8 (edgecnn quantize does)",
        brings,
        how,
    )
