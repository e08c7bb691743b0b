"""Contenders take turns: equal shares, in a random order that is the same for the same seed."""

from collections.abc import Callable

import numpy as np
import pytest

from edgecnn.bench.timer import BLOCK_NS, MIN_CALLS, MIN_ROUNDS, interleaved

MS = 1_000_000
Log = list[tuple[str, int]]


def contender(name: str, call_ns: int, log: Log) -> Callable[[int], np.ndarray]:
    """A block of calls that each take ``call_ns`` on a clock that only this test has."""

    def run_block(calls: int) -> np.ndarray:
        log.append((name, calls))
        return np.full(calls, call_ns, np.int64)

    return run_block


def run(seconds: float, *, seed: int = 0, calls_ns: tuple[int, ...] = (MS, 2 * MS, 5 * MS)) -> tuple[list, list[str]]:
    log: Log = []
    names = "abc"[: len(calls_ns)]
    samples = interleaved(
        [contender(name, ns, log) for name, ns in zip(names, calls_ns, strict=True)], seconds=seconds, seed=seed
    )
    rounds = len(samples[0].block_medians_ns)
    return samples, [name for name, _ in log][-rounds * len(calls_ns) :]


@pytest.mark.parametrize("seconds", [0.001, 0.1, 0.5])
def test_makes_ten_rounds_at_least(seconds: float) -> None:
    samples, _ = run(seconds)
    assert [len(own.block_medians_ns) for own in samples] == [MIN_ROUNDS] * 3


def test_time_is_spent_in_blocks() -> None:
    samples, _ = run(2.0)
    assert [len(own.block_medians_ns) for own in samples] == [round(2e9 / BLOCK_NS)] * 3


def test_each_contender_gets_an_equal_share_of_the_time() -> None:
    samples, _ = run(2.0)
    assert [own.calls_ns.sum() / 1e9 for own in samples] == pytest.approx([2.0] * 3)


def test_every_contender_is_in_every_round() -> None:
    _, order = run(1.0)
    rounds = [order[start : start + 3] for start in range(0, len(order), 3)]
    assert {tuple(sorted(one)) for one in rounds} == {("a", "b", "c")}


def test_order_within_rounds_varies() -> None:
    _, order = run(2.0)
    rounds = [tuple(order[start : start + 3]) for start in range(0, len(order), 3)]
    assert len(set(rounds)) > 3


def test_same_seed_gives_the_same_order() -> None:
    assert run(1.0, seed=5)[1] == run(1.0, seed=5)[1]
    assert run(1.0, seed=5)[1] != run(1.0, seed=6)[1]


def test_slow_calls_come_at_least_two_a_block() -> None:
    samples, _ = run(0.1, calls_ns=(10 * BLOCK_NS,))
    assert len(samples[0].calls_ns) == MIN_ROUNDS * MIN_CALLS


def test_warm_up_is_not_recorded() -> None:
    log: Log = []
    (samples,) = interleaved([contender("a", MS, log)], seconds=0.1)
    assert sum(calls for _, calls in log) > len(samples.calls_ns)
    assert len(samples.calls_ns) == MIN_ROUNDS * BLOCK_NS // MS


def test_median_of_each_block_is_kept() -> None:
    log: Log = []
    block = contender("a", MS, log)
    outlier = iter([0] * 20 + [1] + [0] * 1000)

    def run_block(calls: int) -> np.ndarray:
        durations = block(calls)
        durations[0] += next(outlier) * 10**12
        return durations

    (samples,) = interleaved([run_block], seconds=1.0)
    assert set(samples.block_medians_ns) == {MS}
    assert samples.calls_ns.max() == 10**12 + MS
