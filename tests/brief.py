"""Latency measured for a moment: what tests of other things need is a figure, and not one to rely on."""

from typing import Any

from edgecnn.bench import launches, measure

BRIEF = {"MIN_LAUNCHES": 2, "MAX_ROUNDS": 4, "WARM_UP_NS": 5_000_000, "BLOCK_NS": 2_000_000}


def launched(*contenders: Any, **how: Any) -> dict[int, launches.Series]:
    """Launch contenders as ever, but twice, for a few short blocks."""
    before = {name: getattr(launches, name) for name in BRIEF}
    vars(launches).update(BRIEF)
    try:
        return launches.launched(*contenders, **{**how, "limit_s": 0.0})
    finally:
        vars(launches).update(before)


def measure_briefly() -> None:
    """Let everything that this process measures take a moment."""
    measure.launched = launched


def measure_fully() -> None:
    """Let it take the time that it is given."""
    measure.launched = launches.launched
