"""Which variants no other beats, and which of them is the one that was asked for."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from edgecnn.bench.asked import PRECISION_PERCENT
from edgecnn.quantize.figures import SMALLER
from edgecnn.tune.figures import Limits, Objective, Variant

MEMORY_WITHIN = 0.05  # peaks of one program differ by that from start to start
COST: dict[Objective, Callable[[Variant], float]] = {
    "latency": lambda one: one.latency_ratio,
    "size": lambda one: one.size_bytes,
    "memory": lambda one: one.peak_bytes,
}
WITHIN: dict[Objective, float] = {"latency": PRECISION_PERCENT / 100, "size": 0.0, "memory": MEMORY_WITHIN}


def with_front(variants: Sequence[Variant]) -> list[Variant]:
    """Return the variants, those marked that no other beats: the Pareto front of latency, size, memory and drop.

    What differs by no more than is measured of one file twice counts as equal.
    """
    return [
        replace(one, on_front=not any(_beats(other, one) for other in variants if other is not one)) for one in variants
    ]


def _beats(one: Variant, other: Variant) -> bool:
    signs = [_sign(cost(one), cost(other), WITHIN[objective]) for objective, cost in COST.items()]
    drop_pp, other_pp = max(one.drop_pp, 0.0), max(other.drop_pp, 0.0)
    signs.append((drop_pp > other_pp) - (drop_pp < other_pp))
    return max(signs) <= 0 and min(signs) < 0


def _sign(one: float, other: float, within: float) -> int:
    """Return -1 where a cost is lower by more than counts as equal, 1 where it is higher, else 0."""
    return (one > other * (1 + within)) - (one * (1 + within) < other)


def is_allowed(one: Variant, limits: Limits) -> bool:
    """Tell whether a variant is within the limits."""
    return (
        one.drop_pp <= limits.max_drop_pp
        and (limits.max_size_bytes is None or one.size_bytes <= limits.max_size_bytes)
        and (limits.max_peak_bytes is None or one.peak_bytes <= limits.max_peak_bytes)
    )


def choose(variants: Sequence[Variant], objective: Objective, limits: Limits) -> Variant | None:
    """Return the variant to ship; the first is the parent with the default settings. None where none is allowed.

    A parent that is allowed itself gives way only to what was shown to be better: for latency, faster, or as fast with
    a file of at most three quarters; for size and memory, not slower, and smaller. Of variants that are equal in what
    was asked for, the one with fewer threads is taken, then the smaller file.
    """
    parent = variants[0]
    allowed = [one for one in variants if is_allowed(one, limits)]
    if parent in allowed:
        allowed = [parent, *(one for one in allowed if one is not parent and _is_better(one, parent, objective))]
    if not allowed:
        return None
    least = min(COST[objective](one) for one in allowed)
    equal = [one for one in allowed if COST[objective](one) <= least * (1 + WITHIN[objective])]
    return min(equal, key=lambda one: (one.threads, one.size_bytes, one.latency_ratio))


def _is_better(one: Variant, parent: Variant, objective: Objective) -> bool:
    if objective == "latency":
        lighter = one.verdict == "same" and one.size_bytes <= SMALLER * parent.size_bytes
        return one.verdict == "faster" or lighter
    cost = COST[objective]
    return one.verdict in ("same", "faster") and cost(one) * (1 + WITHIN[objective]) < cost(parent)


def reason(preferred: Variant | None, parent: Variant, objective: Objective) -> str:
    """Say in a sentence why that one."""
    wanted = {"latency": "faster", "size": "smaller without being slower", "memory": "leaner without being slower"}
    if preferred is None or preferred is parent:
        return f"the parent stays, with the default settings: nothing that is allowed is {wanted[objective]}"
    least = {"latency": "fastest", "size": "smallest", "memory": "leanest"}[objective]
    low, high = preferred.latency_ratio_ci95
    return (
        f"{preferred} is the {least} that is allowed: latency x {preferred.latency_ratio:.2f} ({low:.2f}..{high:.2f}), "
        f"{preferred.size_bytes / parent.size_bytes:.2f} of the parent's bytes, {preferred.drop_pp:+.2f} points of drop"
    )
