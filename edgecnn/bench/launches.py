"""Launches: all contenders started anew, taking turns in short blocks of calls, until enough of them agree.

Within a launch all run on the same processors, and a round has one block of each contender, in random order and a few
milliseconds each, so that what the machine is busy with meets all of them alike. What differs between processes shows
between launches only, so there are several: as many as make every interval as narrow as asked, or as the time allows.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgecnn.bench.calls import Block
from edgecnn.bench.interval import Estimate, estimate
from edgecnn.bench.load import Load

RunBlock = Callable[[int], Block]  # number of calls -> how long they took

MIN_LAUNCHES = 4  # of three, the interval is half as wide again, and the time is in the starts of processes
WARM_UP_NS = 20_000_000
BLOCK_NS, LONG_BLOCK_NS = 4_000_000, 20_000_000  # the longer where callers have to meet
MIN_ROUNDS, MAX_ROUNDS = 4, 40  # of a launch: more would tell less than another launch
ROUNDS_S = 0.4  # of a launch, for each contender, or as long as the start took where that is longer
FRAMES = 3  # a block at so many frames a second


class Contending(Protocol):
    """What is asked of a started contender here."""

    threads: int

    def stay(self, turn: int, count: int) -> None:
        """Run on ``count`` of the processors, the next ones with each turn, until it ends."""

    def blocks(self, batch: int, load: Load) -> RunBlock:
        """Return a function that times so many calls on ``batch`` images."""


@dataclass
class Series:
    """The blocks of one setting, by launch, round and contender."""

    launches: list[list[list[Block]]] = field(default_factory=list)

    def ratio(self, contender: int) -> Estimate:
        """Return what a call costs over what it costs the first contender."""
        pairs = zip(self._logs(contender), self._logs(0), strict=True)
        return estimate([own - other for own, other in pairs])

    def cost_ms(self, contender: int) -> Estimate:
        """Return what a call costs."""
        found = estimate(self._logs(contender))
        return Estimate(found.value / 1e6, found.low / 1e6, found.high / 1e6, found.launches)

    def blocks(self, contender: int) -> list[Block]:
        """Return all blocks of a contender."""
        return [one[contender] for launch in self.launches for one in launch]

    def widest(self) -> float:
        """Return the width of the widest interval that decides, as a fraction: of ratios, or of a single contender."""
        contenders = len(self.launches[0][0])
        found = [self.ratio(index) for index in range(1, contenders)] or [self.cost_ms(0)]
        return max(one.high / one.low - 1 for one in found)

    def _logs(self, contender: int) -> list[NDArray[np.float64]]:
        return [np.log([one[contender].cost_ns for one in launch]) for launch in self.launches]


def launched(
    start: Callable[[], AbstractContextManager[Sequence[Contending]]],
    batches: Sequence[int],
    load: Load,
    *,
    precision: float,
    limit_s: float,
    say: Callable[[str], None] = lambda text: None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[int, Series]:
    """Start the contenders again and again, and time them on each of ``batches`` until its widest interval is no wider
    than ``precision`` (a fraction), or until another launch would go beyond ``limit_s``; four launches at least."""
    order, until = np.random.default_rng(0), clock() + limit_s
    series = {batch: Series() for batch in batches}
    open_batches, number = list(batches), 0
    while open_batches:
        number, started = number + 1, clock()
        say(_progress(series, open_batches, number))
        with start() as contenders:
            _gather(contenders, number, load)
            rounds_s = max(ROUNDS_S * len(contenders), clock() - started)
            for batch in open_batches:
                series[batch].launches.append(list(_rounds(contenders, batch, load, order, rounds_s)))
        if number < MIN_LAUNCHES:
            continue
        open_batches = [batch for batch in open_batches if series[batch].widest() > precision]
        if clock() + (clock() - started) > until:
            break
    return series


def _gather(contenders: Sequence[Contending], launch: int, load: Load) -> None:
    """Have all contenders run on the same processors, other ones in each launch.

    Each would stay on one of its own, and one processor is not as fast as the next: on a quiet machine of two, files
    that were the same differed by up to 10 % in a launch, and by 1 % on one processor.
    """
    count = max(contender.threads for contender in contenders) * load.callers
    for contender in contenders:
        contender.stay(launch, count)


def _progress(series: dict[int, Series], batches: Sequence[int], number: int) -> str:
    known = [f"batch {batch} ±{series[batch].widest() / 2:.1%}" for batch in batches if number > 2]
    return ", ".join([f"launch {number}", *known])


def _rounds(
    contenders: Sequence[Contending], batch: int, load: Load, order: np.random.Generator, seconds: float
) -> Iterator[list[Block]]:
    """Yield the blocks of each round of a launch, in the order of the contenders."""
    run_blocks = [contender.blocks(batch, load) for contender in contenders]
    calls = _calls(run_blocks, load)
    until, made = time.perf_counter() + seconds, 0
    while made < MIN_ROUNDS or (made < MAX_ROUNDS and time.perf_counter() < until):
        blocks = {index: run_blocks[index](calls[index]) for index in map(int, order.permutation(len(contenders)))}
        yield [blocks[index] for index in range(len(contenders))]
        made += 1


def _calls(run_blocks: Sequence[RunBlock], load: Load) -> list[int]:
    """Warm up, and return how many calls make a block of each contender."""
    if load.fps is not None:
        return [FRAMES for _ in run_blocks]
    length_ns = BLOCK_NS if load.is_plain else LONG_BLOCK_NS
    calls = [_warm_up(run_block, length_ns) for run_block in run_blocks]
    return [min(calls) for _ in calls] if load.pictures else calls  # each contender gets the same pictures


def _warm_up(run_block: RunBlock, length_ns: int) -> int:
    spent_ns, calls = 0.0, 1
    while spent_ns < WARM_UP_NS:
        block = run_block(calls)
        spent_ns += block.cost_ns * calls
        calls = max(1, round(length_ns / block.cost_ns))
    return calls
