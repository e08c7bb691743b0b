"""int8 sums that overflow 16 bits on processors without VNNI."""

from edgecnn.audit.evidence import Evidence
from edgecnn.audit.found import Finding, Fine, Found
from edgecnn.card import PAIR_BOUND

NAME, PLACE = "saturation", 90


def look(evidence: Evidence) -> Found:
    """Say what the proof says."""
    proof = evidence.saturation
    if proof.safe:
        largest = f"; the largest pair of weights sums to {proof.worst.pair_sum} of {PAIR_BOUND}" if proof.worst else ""
        return Fine(NAME, f"no int8 sum can overflow on any processor{largest}")
    worst = proof.worst
    seen = (
        "; ".join(proof.unproven)
        if worst is None or worst.pair_sum <= PAIR_BOUND
        else f"two weights sum to {worst.pair_sum} in channel {worst.channel} of {worst.layer}, and {PAIR_BOUND} fit"
    )
    here = "This one does: edgecnn computes the file exactly, slower." if evidence.saturates else "This one does not."
    return Finding(
        NAME,
        [worst.layer] if worst is not None else [],
        f"int8 sums may overflow on x86 processors without VNNI ({seen}). {here}",
        "quantize the float32 file again with weights of seven bits: edgecnn quantize (other tools: reduce_range)",
        None,
        "right answers on every processor, at the same speed on most",
    )
