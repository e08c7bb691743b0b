"""Which float convolutions miss the layout in blocks of channels, and what that costs."""

import math
from dataclasses import dataclass

from edgecnn.audit.evidence import Evidence
from edgecnn.audit.ran import BLOCKED, Kernel

LARGEST_BLOCK = 16


@dataclass(frozen=True)
class Missed:
    """A convolution: channels out and in of the file (for each group), and those that were computed; None where the
    kernel takes no blocks at all. ``lost`` is the share of the time that this costs, None where nothing says."""

    kernel: Kernel
    channels: tuple[int, int]
    computed: tuple[int, int] | None
    lost: float | None


def block(evidence: Evidence) -> int:
    """Return how many channels a block has on this processor, as far as the padded weights show; 0 without blocks."""
    padded = [
        evidence.ran.weights[kernel.index][0]
        for kernel in evidence.ran.kernels
        if kernel.domain == BLOCKED and kernel.is_convolution and kernel.index in evidence.ran.weights
    ]
    return math.gcd(LARGEST_BLOCK, *padded) if padded else 0


def missed(evidence: Evidence) -> list[Missed]:
    """Return the float convolutions whose channels do not fill blocks."""
    if not block(evidence):
        return []
    convolutions = [k for k in evidence.ran.kernels if k.is_convolution and k.precision == "float32"]
    return [found for kernel in convolutions if (found := _missed(evidence, kernel)) is not None]


def reorders(evidence: Evidence, found: list[Missed]) -> set[int]:
    """Return the changes of layout that are there because of such convolutions."""
    size, kernels = block(evidence), evidence.ran.kernels
    plain = {one.kernel.index for one in found if one.computed is None}
    return {
        kernel.index
        for kernel in kernels
        if kernel.is_layout
        and kernel.precision == "float32"
        and (
            (_fills_none(evidence, kernel, size) and evidence.ran.is_between_convolutions(kernel.index))
            or plain & {*kernel.before, *evidence.ran.after[kernel.index]}
        )
    }


def _fills_none(evidence: Evidence, kernel: Kernel, size: int) -> bool:
    """Tell whether channels that fill no blocks go out of a ReorderOutput, or into a ReorderInput."""
    before = evidence.ran.kernels[kernel.before[0]].output_shape if kernel.before else []
    shape = before if kernel.operator == "ReorderInput" else kernel.output_shape
    return bool(size and len(shape) > 1 and shape[1] % size)


def _missed(evidence: Evidence, kernel: Kernel) -> Missed | None:
    shape, padded = evidence.weight_shape(kernel), evidence.ran.weights.get(kernel.index)
    if shape is None or len(shape) != 4:
        return None
    if kernel.domain != BLOCKED:
        rate, macs = evidence.blocked_rate, evidence.macs_of(kernel)
        lost = None if rate is None or not macs else max(0.0, kernel.share - rate * macs)
        return Missed(kernel, shape[:2], None, lost)
    if padded is None or (padded[0] <= shape[0] and padded[1] <= shape[1]):
        return None
    useful = shape[0] * shape[1] / (padded[0] * padded[1])
    return Missed(kernel, shape[:2], (padded[0], padded[1]), kernel.share * (1 - useful))
