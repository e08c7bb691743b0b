"""Launches on a clock of their own: how many are made, in which order, and when they end."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest

from edgecnn.bench.calls import Block
from edgecnn.bench.launches import BLOCK_NS, FRAMES, MAX_ROUNDS, MIN_LAUNCHES, Series, launched
from edgecnn.bench.load import Load

MS = 1_000_000
PLAIN = Load()


@dataclass
class Contender:
    """One that takes ``call_ns``, or ``offset`` times as long in a launch."""

    name: str
    call_ns: float
    log: list[str]
    noise: float = 0.0
    threads: int = 1
    stays: list[tuple[int, int]] = field(default_factory=list)
    rng: random.Random = field(default_factory=lambda: random.Random(0))

    def stay(self, turn: int, count: int) -> None:
        self.stays.append((turn, count))

    def blocks(self, batch: int, load: Load) -> Callable[[int], Block]:
        self.log.append(f"{self.name}: batch {batch}")

        def run(calls: int) -> Block:
            self.log.append(self.name)
            spent = self.call_ns * batch * (1 + self.noise * self.rng.random())
            return Block(np.full(calls, round(spent), np.int64))

        return run


@dataclass
class Machine:
    """Starts contenders, each launch in so many seconds of its clock."""

    calls_ms: Sequence[float] = (1.0, 2.0)
    offsets: Sequence[float] = (1.0,)
    launch_s: float = 1.0
    log: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    now: float = 0.0
    started: int = 0
    noise: float = 0.0
    threads: int = 1
    launches: list[list[Contender]] = field(default_factory=list)

    @contextmanager
    def start(self) -> Iterator[list[Contender]]:
        offset = self.offsets[self.started % len(self.offsets)]
        self.started += 1
        self.now += self.launch_s
        names = zip("abc", self.calls_ms, strict=False)
        self.launches.append(
            [
                Contender(name, ms * MS * (offset if name == "b" else 1), self.log, self.noise, self.threads)
                for name, ms in names
            ]
        )
        yield self.launches[-1]

    def measured(
        self, *, batches: Sequence[int] = (1,), load: Load = PLAIN, limit_s: float = 100.0, precision: float = 0.05
    ) -> dict[int, Series]:
        return launched(
            self.start, batches, load,
            precision=precision, limit_s=limit_s, say=self.said.append, clock=lambda: self.now,
        )  # fmt: skip


def test_where_launches_agree_four_are_enough() -> None:
    machine = Machine()
    found = machine.measured()[1].ratio(1)
    assert machine.started == found.launches == MIN_LAUNCHES
    assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2))


def test_launches_go_on_until_the_interval_is_narrow() -> None:
    machine = Machine(offsets=(0.97, 1.03))
    series = machine.measured()[1]
    assert machine.started > MIN_LAUNCHES
    assert series.ratio(1).is_within(0.05)
    assert not Series(series.launches[:-1]).ratio(1).is_within(0.05)


def test_they_end_when_the_time_is_up_and_the_interval_says_so() -> None:
    machine = Machine(offsets=(0.5, 2.0))
    found = machine.measured(limit_s=12.5)[1].ratio(1)
    assert machine.started == 12
    assert not found.is_within(0.05)


def test_the_least_launches_are_made_whatever_the_limit() -> None:
    machine = Machine(offsets=(0.5, 2.0))
    machine.measured(limit_s=0.0)
    assert machine.started == MIN_LAUNCHES


def test_a_setting_that_is_known_is_measured_no_more() -> None:
    """What is noisy at one batch size does not keep the others waiting."""
    machine = Machine(offsets=(1.0,))
    once = machine.measured(batches=(1, 8))
    assert [len(series.launches) for series in once.values()] == [MIN_LAUNCHES] * 2
    assert machine.log.count("a: batch 8") == MIN_LAUNCHES


def test_one_alone_is_measured_until_its_own_interval_is_narrow() -> None:
    machine = Machine(calls_ms=(1.0,))
    assert machine.measured()[1].cost_ms(0).value == pytest.approx(1.0)
    assert machine.started == MIN_LAUNCHES


def test_every_contender_is_in_every_round_in_an_order_that_varies() -> None:
    machine = Machine(calls_ms=(1.0, 1.0, 1.0))
    rounds = machine.measured()[1].launches
    assert {len(launch) for launch in rounds} == {MAX_ROUNDS}
    assert {len(one) for launch in rounds for one in launch} == {3}
    turns = "".join(name for name in machine.log if len(name) == 1)
    assert all(order in turns for order in ("abc", "acb", "bac", "bca", "cab", "cba"))


@pytest.mark.parametrize(("load", "at_once"), [(PLAIN, 2), (Load(callers=3), 6)])
def test_all_of_a_launch_run_on_the_same_processors_and_the_next_on_others(load: Load, at_once: int) -> None:
    machine = Machine(threads=2)
    machine.measured(load=load)
    assert [[one.stays for one in launch] for launch in machine.launches] == [
        [[(number, at_once)]] * 2 for number in range(1, len(machine.launches) + 1)
    ]


def test_blocks_are_a_few_milliseconds() -> None:
    block = Machine().measured()[1].launches[0][0][0]
    assert block.calls_ns.sum() == pytest.approx(BLOCK_NS, rel=0.3)


def test_a_call_that_is_longer_is_a_block() -> None:
    block = Machine(calls_ms=(30.0, 30.0)).measured()[1].launches[0][0][0]
    assert len(block.calls_ns) == 1


def test_frames_at_a_rate_are_not_counted_by_how_long_they_take() -> None:
    found = Machine().measured(load=Load(fps=30))[1]
    assert {len(block.calls_ns) for block in found.blocks(0) + found.blocks(1)} == {FRAMES}


def test_each_contender_gets_the_same_pictures() -> None:
    found = Machine(calls_ms=(1.0, 4.0)).measured(load=Load(pictures=("a.png",)))[1]
    assert all(len(own.calls_ns) == len(other.calls_ns) for launch in found.launches for own, other in launch)


def test_progress_says_how_narrow_it_is() -> None:
    machine = Machine(offsets=(0.9, 1.1))
    machine.measured(limit_s=5)
    assert machine.said[:2] == ["launch 1", "launch 2"]
    assert machine.said[3].startswith("launch 4, batch 1 ±")


def test_a_drift_within_a_launch_meets_both_and_cancels_out() -> None:
    drift = np.linspace(1, 5, 20)
    launch = [[Block(np.array([100_000 * x])), Block(np.array([200_000 * x]))] for x in drift]
    found = Series([launch] * 4).ratio(1)
    assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2))


def test_what_overlaps_is_compared_by_the_time_for_all() -> None:
    assert Block(np.array([10, 10, 10, 10]), wall_ns=20).cost_ns == 5
    assert Block(np.array([10, 10, 90])).cost_ns == 10
