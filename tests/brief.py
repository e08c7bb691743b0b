"""Latency measured for a moment: what tests of other things need is a figure, and not one to rely on."""

from collections.abc import Sequence

from edgecnn.bench import measure, timer

MOMENT_NS = 5_000_000


def interleaved(contenders: Sequence[timer.RunBlock], *, seconds: float, seed: int = 0) -> list[timer.Samples]:
    """Time contenders as ever, in the fewest rounds, of shorter blocks."""
    before = timer.BLOCK_NS, timer.WARM_UP_NS
    timer.BLOCK_NS = timer.WARM_UP_NS = MOMENT_NS
    try:
        return timer.interleaved(contenders, seconds=min(seconds, MOMENT_NS / 1e9), seed=seed)
    finally:
        timer.BLOCK_NS, timer.WARM_UP_NS = before


def measure_briefly() -> None:
    """Let everything that this process measures take a moment."""
    measure.interleaved = interleaved


def measure_fully() -> None:
    """Let it take the time that it is given."""
    measure.interleaved = timer.interleaved
