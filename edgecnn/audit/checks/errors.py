"""Layers in which a quantized file loses the signal."""

from edgecnn.audit.checks import _float
from edgecnn.audit.evidence import Evidence
from edgecnn.audit.found import Finding, Fine, Found, Unseen

NAME, PLACE = "errors", 110
LEAST_DB = 15.0  # an error of a sixth of the signal; no layer of the zoo's int8 files is below 19
FALL_DB = 3.0  # half of what was left


def look(evidence: Evidence) -> Found:
    """Find the layers whose own rounding leaves too little."""
    if not evidence.is_integer:
        return Fine(NAME, "the file has no integers to round to")
    if evidence.noise is None:
        return Unseen(NAME, _float.without_noise(evidence))
    weighted = {layer.name for layer in evidence.network.layers if layer.has_weights}
    rows = [row for row in evidence.noise if row.snr_db is not None and (row.integers or row.candidate in weighted)]
    if not rows:
        return Fine(NAME, "no layer differs from that of the float32 file")
    found = [
        row for row in rows if row.snr_db is not None and row.snr_db < LEAST_DB and (row.fall_db or LEAST_DB) >= FALL_DB
    ]
    least = min(rows, key=lambda row: row.snr_db or 0.0)
    if not found:
        return Fine(NAME, f"the signal stays {least.snr_db:.0f} dB or more above the error, least in {least.candidate}")
    return Finding(
        NAME,
        [row.candidate for row in found],
        "; ".join(f"{row.candidate}: {row.snr_db:.0f} dB, {_fall(row.fall_db)}" for row in found)
        + " (20 dB are an error of a tenth)",
        "leave these layers in float32, or give them more range by training with quantization",
        None,
        "accuracy, for the time of float layers between int8 ones; edgecnn verify says how much",
    )


def _fall(fall_db: float | None) -> str:
    return "the first layer" if fall_db is None else f"{fall_db:.0f} less than before"
