"""Values outside of what a layer's integers can stand for, which are cut off."""

from edgecnn.audit.checks import _float
from edgecnn.audit.checks._float import percent
from edgecnn.audit.evidence import Evidence
from edgecnn.audit.found import Finding, Fine, Found, Unseen

NAME, PLACE = "ranges", 100
MOST = 0.01  # of a layer's values: the zoo's files have at most 0.2 %


def look(evidence: Evidence) -> Found:
    """Hold the reference's values against the ranges of the file."""
    if not evidence.is_integer:
        return Fine(NAME, "the file has no integers to leave")
    if evidence.noise is None:
        return Unseen(NAME, _float.without_noise(evidence))
    found = [row for row in evidence.noise if row.integers and row.saturated > MOST]
    if not found:
        most = max((row.saturated for row in evidence.noise if row.integers), default=0.0)
        return Fine(NAME, f"at most {percent(most)} of a layer's values lie outside of its range")
    worst = max(found, key=lambda row: row.saturated)
    return Finding(
        NAME,
        [row.candidate for row in found],
        f"values outside of the range of a layer's integers are cut off, most in {worst.candidate}: "
        f"{percent(worst.saturated)}",
        "calibrate on more images, and on such as the model meets",
        None,
        "accuracy; edgecnn verify says how much",
    )
