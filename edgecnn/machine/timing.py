"""Blocks of timed calls, here or on a device, where this file is sent as it is (see ``facts``)."""

import time
from collections.abc import Callable

SETTLE_NS, SETTLE_CALLS, SETTLED_NS = 1_000_000, 3, 10_000_000  # before each block, so that caches and pool wake up
QUIET_STEP_S, QUIET_SHARE, QUIET_LIMIT_S = 0.012, 0.2, 0.25  # a running thread's time is counted at clock ticks


def timed_block(call: Callable[[], object], count: int, *, pool: bool) -> list[int]:
    """Return how long each of so many calls took, in ns; with ``pool``, of threads that spin, once these are quiet."""
    _settle(call)
    durations = []
    for _ in range(count):
        started = time.perf_counter_ns()
        call()
        durations.append(time.perf_counter_ns() - started)
    if pool:
        wait_until_quiet()
    return durations


def _settle(call: Callable[[], object]) -> None:
    """Call unrecorded, for a millisecond and three times, or fewer where calls are long."""
    started, calls, spent = time.perf_counter_ns(), 0, 0
    while spent < SETTLE_NS or (calls < SETTLE_CALLS and spent < SETTLED_NS):
        call()
        calls, spent = calls + 1, time.perf_counter_ns() - started


def wait_until_quiet() -> None:
    """Wait until this process' threads use next to no CPU: a pool that spins on would slow the next contender.

    ONNX Runtime's pool spins for 40 ms after a call, PyTorch's for some 10.
    """
    until = time.perf_counter() + QUIET_LIMIT_S
    while time.perf_counter() < until:
        used, started = time.process_time(), time.perf_counter()
        time.sleep(QUIET_STEP_S)
        if time.process_time() - used < QUIET_SHARE * (time.perf_counter() - started):
            return
