"""Blocks of timed calls, here or on a device, where this file is sent as it is (see ``facts``)."""

import time
from collections.abc import Callable

SETTLE_CALLS, SETTLE_NS = 3, 2_000_000  # before each block, not recorded: caches and the thread pool wake up
QUIET_STEP_S, QUIET_SHARE, QUIET_LIMIT_S = 0.012, 0.2, 0.25  # a running thread's time is counted at clock ticks


def timed_block(call: Callable[[], object], count: int) -> list[int]:
    """Return how long each of so many calls took, in ns, once this process is quiet again."""
    settled, until = 0, time.perf_counter_ns() + SETTLE_NS
    while settled < SETTLE_CALLS or time.perf_counter_ns() < until:
        call()
        settled += 1
    durations = []
    for _ in range(count):
        started = time.perf_counter_ns()
        call()
        durations.append(time.perf_counter_ns() - started)
    _wait_until_quiet()
    return durations


def _wait_until_quiet() -> None:
    """Wait until this process' threads use next to no CPU: a pool that spins on would slow the next contender.

    ONNX Runtime's pool spins for 40 ms after a call, PyTorch's for some 10.
    """
    until = time.perf_counter() + QUIET_LIMIT_S
    while time.perf_counter() < until:
        used, started = time.process_time(), time.perf_counter()
        time.sleep(QUIET_STEP_S)
        if time.process_time() - used < QUIET_SHARE * (time.perf_counter() - started):
            return
