"""Changes of layout between convolutions: reorders into and out of blocks, transposes around int8 layers."""

from edgecnn.audit.checks import _channels
from edgecnn.audit.checks._float import UNLINKED, counted, percent
from edgecnn.audit.evidence import Evidence
from edgecnn.audit.found import Finding, Fine, Found, Unseen
from edgecnn.audit.ran import Kernel, Ran

NAME, PLACE = "layout", 60


def look(evidence: Evidence) -> Found:
    """Find those with a convolution before and behind that no other check has counted."""
    ran = evidence.ran
    if not ran.linked:
        return Unseen(NAME, UNLINKED.format(provider=ran.provider))
    known = _channels.reorders(evidence, _channels.missed(evidence))
    known |= {index for island in evidence.islands if island.closed for index in island.indices}
    all_of_them = [kernel for kernel in ran.kernels if kernel.is_layout]
    found = [k for k in all_of_them if k.index not in known and ran.is_between_convolutions(k.index)]
    if not found:
        rest = [k.index for k in all_of_them if k.index not in known]
        ends = f"; {counted(len(rest), 'change')} before or behind them, with {percent(ran.share(rest))} of the time"
        return Fine(NAME, "no change of layout between convolutions" + (ends if rest else ""))
    cause = list(dict.fromkeys(name for kernel in found for name in _causes(ran, kernel)))
    return Finding(
        NAME,
        ran.names(kernel.index for kernel in found),
        f"{counted(len(found), 'change')} of layout between convolutions ({_operators(found)})"
        + (f", for {', '.join(cause)}" if cause else "")
        + f": {percent(ran.share(k.index for k in found))} of the time",
        "put in their place what runs in that layout (convolutions, pooling, Relu, Add), or move them before the first "
        "or behind the last convolution",
        ran.share(kernel.index for kernel in found),
        "all of what these changes take; what causes them may be slower or faster in the other layout",
    )


def _causes(ran: Ran, kernel: Kernel) -> list[str]:
    """Return what takes values in the other layout, or gives them."""
    beside = (*kernel.before, *ran.after[kernel.index])
    own = {"ReorderOutput": ran.after[kernel.index], "ReorderInput": kernel.before}.get(kernel.operator, beside)
    found = [kernel for kernel in map(ran.kernels.__getitem__, own) if not (kernel.is_layout or kernel.is_convolution)]
    return ["int8 beside float" if kernel.is_quantizer else kernel.operator for kernel in found]


def _operators(found: list[Kernel]) -> str:
    return ", ".join(dict.fromkeys(kernel.operator for kernel in found))
