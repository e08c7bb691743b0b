"""What the checks of float islands share."""

from collections.abc import Callable, Sequence

from edgecnn.audit.evidence import Evidence
from edgecnn.audit.found import Fine, Found, Unseen
from edgecnn.audit.islands import Island
from edgecnn.text import counted as counted


def not_looked(evidence: Evidence) -> Callable[[str], Found] | None:
    """Return what a check of float islands says where there can be none, or they cannot be seen."""
    if not evidence.is_integer:
        return lambda name: Fine(name, "the file has no integers to leave")
    if not evidence.ran.linked:
        return lambda name: Unseen(name, UNLINKED.format(provider=evidence.ran.provider))
    return None


UNLINKED = "what provider {provider} makes of the graph is not known"


def without_noise(evidence: Evidence) -> str:
    """Say why there are no errors by layer."""
    if evidence.reference is None:
        return "the float32 file is not known; name it as REFERENCE"
    return "no layer of the file could be matched with one of the reference"


def percent(share: float) -> str:
    """Write a share.

    >>> percent(0.1234), percent(0.0049)
    ('12 %', '0.5 %')
    """
    return f"{share:.0%}".replace("%", " %") if share >= 0.095 else f"{share * 100:.1f} %"


def as_integers(evidence: Evidence, found: Sequence[Island]) -> tuple[float | None, str]:
    """Estimate the share of the time that islands would take less if their layers were integers."""
    rate = evidence.integer_rate
    macs = sum(evidence.macs_of(kernel) for island in found for kernel in island.products)
    share = sum(island.share for island in found)
    if rate is None or not macs:
        if evidence.reference is None:
            return None, "no int8 convolution of this file to estimate by, and no float32 file"
        floats = sum(kernel.microseconds for kernel in evidence.reference.ran.kernels if kernel.is_product)
        left = floats / (evidence.ran.microseconds or 1.0)
        return max(0.0, share - left), (
            f"they and the quantizers around them take {percent(share)}; the layers of the float32 file take "
            f"{percent(left)} of this file's time, and int8 less"
        )
    left = rate * macs
    return max(0.0, share - left), (
        f"they and the quantizers around them take {percent(share)}; at the rate of this file's int8 convolutions "
        f"their operations would take {percent(left)}"
    )


def operators(islands: Sequence[Island]) -> str:
    """Return what is computed in islands, each operator once."""
    return ", ".join(dict.fromkeys(kernel.operator for island in islands for kernel in island.inner))
