"""More threads than bring anything."""

from edgecnn.audit.evidence import Evidence
from edgecnn.audit.found import Finding, Fine, Found

NAME, PLACE = "threads", 130
NEAR = 1.05  # how much longer one thread may take and still be preferred


def look(evidence: Evidence) -> Found:
    """Compare calls with one thread and with all, round by round."""
    measured, threads = evidence.measured, evidence.ran.threads
    if measured.one_thread_us is None:
        return Fine(NAME, "asked for one thread")
    ratios = [one / all_of_them for one, all_of_them in zip(measured.one_thread_us, measured.calls_us, strict=True)]
    said = f"one thread takes {min(ratios):.2f} to {max(ratios):.2f} of the time of {threads}"
    if max(ratios) > NEAR:
        return Fine(NAME, said)
    return Finding(
        NAME,
        [],
        f"{said}, in every of {len(ratios)} rounds",
        "run it with one thread (edgecnn.load(…, threads=1)) and leave the other cores to the rest",
        None,
        f"{threads - 1} free cores, and a call that takes {sorted(ratios)[len(ratios) // 2]:.2f} of the time",
    )
