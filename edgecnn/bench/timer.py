"""Time calls: warmed up, in short blocks that take turns, so that a drift of the machine meets all contenders alike."""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Call = Callable[[], object]

WARM_UP_NS = 100_000_000
WARM_UP_CALLS = 10
BLOCK_NS = 10_000_000
SETTLE_CALLS = 3  # of each block, not recorded: caches and thread pools come back from the contender before
MIN_ROUNDS, MIN_CALLS = 10, 2


@dataclass(frozen=True)
class Samples:
    """Every recorded call of one contender in ns, and the median of each of its blocks, by round."""

    calls_ns: NDArray[np.int64]
    block_medians_ns: NDArray[np.float64]


def interleaved(calls: Sequence[Call], *, seconds: float, seed: int = 0) -> list[Samples]:
    """Time each call for about ``seconds``, in rounds of blocks in random order. At least ten rounds are made."""
    block_calls = [_warm_up(call) for call in calls]
    rounds = _rounds(calls, block_calls, seconds)
    order = np.random.default_rng(seed)
    blocks: list[list[NDArray[np.int64]]] = [[] for _ in calls]
    collecting = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for index in order.permutation(len(calls)):
                blocks[index].append(_block(calls[index], block_calls[index]))
    finally:
        if collecting:
            gc.enable()
    return [Samples(np.concatenate(own), np.array([np.median(block) for block in own])) for own in blocks]


def _warm_up(call: Call) -> int:
    """Call until the time is up, and return how many calls make a block."""
    durations: list[int] = []
    until = time.perf_counter_ns() + WARM_UP_NS
    while len(durations) < WARM_UP_CALLS or time.perf_counter_ns() < until:
        durations.append(_timed(call))
    typical = int(np.median(durations[len(durations) // 2 :]))
    return max(MIN_CALLS, BLOCK_NS // max(typical, 1))


def _rounds(calls: Sequence[Call], block_calls: Sequence[int], seconds: float) -> int:
    longest = max(int(_block(call, count).sum()) for call, count in zip(calls, block_calls, strict=True))
    return max(MIN_ROUNDS, round(seconds * 1e9 / longest))


def _block(call: Call, count: int) -> NDArray[np.int64]:
    for _ in range(SETTLE_CALLS):
        call()
    return np.array([_timed(call) for _ in range(count)], dtype=np.int64)


def _timed(call: Call) -> int:
    started = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - started
