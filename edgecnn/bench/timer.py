"""Contenders that take turns in short blocks of calls, so that a drift of the machine meets all of them alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RunBlock = Callable[[int], NDArray[np.int64]]  # number of calls -> duration of each in ns

WARM_UP_NS = 150_000_000
BLOCK_NS = 50_000_000  # waiting for a thread pool to stop spinning costs as much between two blocks
MIN_ROUNDS, MIN_CALLS = 10, 2


@dataclass(frozen=True)
class Samples:
    """Every recorded call of one contender in ns, and the median of each of its blocks, by round."""

    calls_ns: NDArray[np.int64]
    block_medians_ns: NDArray[np.float64]


def interleaved(contenders: Sequence[RunBlock], *, seconds: float, seed: int = 0) -> list[Samples]:
    """Time each contender for about ``seconds``, in rounds of blocks in random order. At least ten rounds are made."""
    calls = [_warm_up(run_block) for run_block in contenders]
    rounds = max(MIN_ROUNDS, round(seconds * 1e9 / BLOCK_NS))
    order = np.random.default_rng(seed)
    blocks: list[list[NDArray[np.int64]]] = [[] for _ in contenders]
    for _ in range(rounds):
        for index in order.permutation(len(contenders)):
            blocks[index].append(contenders[index](calls[index]))
    return [Samples(np.concatenate(own), np.array([np.median(block) for block in own])) for own in blocks]


def _warm_up(run_block: RunBlock) -> int:
    """Run until the time is up, and return how many calls make a block."""
    spent_ns, calls, durations = 0, MIN_CALLS, np.empty(0, np.int64)
    while spent_ns < WARM_UP_NS:
        durations = run_block(calls)
        spent_ns += int(durations.sum())
        calls = max(MIN_CALLS, BLOCK_NS // max(int(np.median(durations)), 1))
    return calls
