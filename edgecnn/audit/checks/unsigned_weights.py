"""Convolutions and dense layers whose integer weights are unsigned, for which x86 processors have a slower kernel."""

import platform

from edgecnn.audit import twins
from edgecnn.audit.checks._float import UNLINKED, counted, percent
from edgecnn.audit.evidence import Evidence
from edgecnn.audit.found import Finding, Fine, Found, Unseen
from edgecnn.audit.ran import Kernel
from edgecnn.machine.cpu import X86

NAME, PLACE = "unsigned-weights", 15
LAYOUT = 4  # axes of a convolution's output, channels last


def look(evidence: Evidence) -> Found:
    """Find them in what ran, and try how much faster the slowest would be."""
    if not evidence.ran.linked:
        return Unseen(NAME, UNLINKED.format(provider=evidence.ran.provider))
    found = [k for k in evidence.ran.kernels if k.weight_type == "uint8" and k.operator != "ConvInteger"]
    if not found:
        return Fine(NAME, "no layer has unsigned integers as weights")
    if platform.machine().lower() not in X86:
        return Fine(NAME, f"{counted(len(found), 'layer')} with unsigned weights, which cost nothing here")
    share = sum(kernel.share for kernel in found)
    brings, how = _tried(evidence, found, share)
    return Finding(
        NAME,
        evidence.ran.names(kernel.index for kernel in found),
        f"{counted(len(found), 'layer')} with uint8 weights, for which x86 processors have a slower kernel than for "
        f"int8: {percent(share)} of the time",
        "quantize again with uint8 activations and int8 weights of seven bits (edgecnn quantize; other tools: QUInt8, "
        "QInt8, reduce_range)",
        brings,
        how,
    )


def _tried(evidence: Evidence, found: list[Kernel], share: float) -> tuple[float | None, str]:
    """Estimate by the slowest convolution, made again with weights of either kind."""
    shapes = evidence.ran.weights
    tried = [k for k in found if k.is_convolution and len(k.output_shape) == LAYOUT == len(shapes.get(k.index, ()))]
    if not tried:
        return None, "not estimated: there is no convolution to try it with"
    slowest = max(tried, key=lambda kernel: kernel.share)
    last = slowest.output_shape[3] == shapes[slowest.index][0]
    height, width = slowest.output_shape[1:3] if last else slowest.output_shape[2:]
    ratio = twins.signed_over_unsigned(shapes[slowest.index], height, width)
    return max(0.0, 1 - ratio) * share, (
        f"a convolution of the size of {slowest.node} takes {ratio:.2f} of the time with int8 weights (one thread)"
    )
