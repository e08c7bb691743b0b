"""What a contender's process does when it is told to make calls: as a Load says, each of them timed."""

import functools
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgecnn.bench.load import Load
from edgecnn.contender import Contender
from edgecnn.machine.timing import timed_block, wait_until_quiet

Call = Callable[[], object]


@dataclass(frozen=True)
class Block:
    """How long each call of a block took in ns, and all together where callers overlap or pictures differ."""

    calls_ns: NDArray[np.int64]
    wall_ns: int | None = None

    @property
    def cost_ns(self) -> float:
        """What a call costs, which is what is compared: the median, or the time for all over their number."""
        return float(np.median(self.calls_ns)) if self.wall_ns is None else self.wall_ns / len(self.calls_ns)


def call_of(contender: Contender, batch: int, load: Load) -> Call:
    """Return one call: an answer to images that lie in memory, or to the next of the pictures, from its file on."""
    if not load.pictures:
        golden_nhwc = contender.golden_images_nhwc
        images_nhwc = np.ascontiguousarray(np.resize(golden_nhwc, (batch, *golden_nhwc.shape[1:])))
        return functools.partial(contender.answer, images_nhwc)
    return functools.partial(_answer_next, contender, itertools.cycle(load.pictures))


def made(call: Call, count: int, load: Load, *, pool: bool) -> Block:
    """Make so many calls (each caller), as the load says, and time them."""
    if load.fps is not None:
        return Block(np.array(list(_paced(call, count, load.fps))))
    if load.callers > 1:
        return _by_callers(call, count, load.callers, pool=pool)
    if load.pictures:
        durations = [
            _timed(call) for _ in range(count)
        ]  # no call goes unrecorded: all contenders get the same pictures
        return Block(np.array(durations, dtype=np.int64), sum(durations))
    return Block(np.array(timed_block(call, count, pool=pool), dtype=np.int64))


def _timed(call: Call) -> int:
    started = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - started


def _answer_next(contender: Contender, files: Iterator[str]) -> None:
    from edgecnn.runtime.image import read_image

    contender.answer(contender.fitted(read_image(next(files))))


def _paced(call: Call, count: int, fps: float) -> Iterator[int]:
    """Call once in every 1/fps s and idle in between; the first call, after another process' turn, is not recorded."""
    due = time.perf_counter()
    for number in range(count + 1):
        due = max(due + 1 / fps, time.perf_counter())
        time.sleep(max(due - time.perf_counter(), 0.0))
        spent = _timed(call)
        if number:
            yield spent


def _by_callers(call: Call, count: int, callers: int, *, pool: bool) -> Block:
    """Let so many threads call at the same time, each ``count`` times."""
    durations: list[list[int]] = [[] for _ in range(callers)]
    began: list[int] = []
    ended: list[int] = []
    failed: list[BaseException] = []
    begin = threading.Barrier(callers, action=lambda: began.append(time.perf_counter_ns()))

    def run(own: list[int]) -> None:
        try:
            call()
            begin.wait()
            for _ in range(count):
                own.append(_timed(call))
            ended.append(time.perf_counter_ns())
        except BaseException as error:  # handed to the thread that waits for it
            failed.append(error)
            begin.abort()

    threads = [threading.Thread(target=run, args=(own,)) for own in durations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise next((error for error in failed if not isinstance(error, threading.BrokenBarrierError)), failed[0])
    if pool:
        wait_until_quiet()
    return Block(np.concatenate([np.array(own, dtype=np.int64) for own in durations]), max(ended) - began[0])
