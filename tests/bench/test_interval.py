"""What an interval of ratios says, and how often it is right: on noise that machines make, with the truth known."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgecnn.bench.interval import Estimate, Verdict, estimate, student, verdict
from edgecnn.bench.launches import MIN_LAUNCHES

BLOCKS, MOST_LAUNCHES, PRECISION = 40, 10, 0.05


@dataclass(frozen=True)
class Noise:
    """Deviations of log ratios between launches and between blocks, how alike neighbors are, heavy tails or none."""

    launches: float
    blocks: float
    correlation: float = 0.0
    heavy: bool = False

    def __str__(self) -> str:
        tails = "heavy" if self.heavy else "normal"
        return f"{self.launches:g} {self.blocks:g} AR {self.correlation:g} {tails}"

    def drawn(self, ratio: float, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
        """Yield the log ratios of one launch after another."""
        while True:
            fresh = self._unit(rng, BLOCKS)
            blocks = np.empty(BLOCKS)
            blocks[0] = fresh[0]
            for index in range(1, BLOCKS):
                rest = math.sqrt(1 - self.correlation**2) * fresh[index]
                blocks[index] = self.correlation * blocks[index - 1] + rest
            yield math.log(ratio) + self.launches * self._unit(rng, 1) + self.blocks * blocks

    def _unit(self, rng: np.random.Generator, count: int) -> NDArray[np.float64]:
        return rng.standard_t(3, count) / math.sqrt(3) if self.heavy else rng.standard_normal(count)


QUIET = Noise(0.01, 0.03)
CASES = [
    QUIET,
    Noise(0.01, 0.05, 0.5, heavy=True),
    Noise(0.01, 0.1, 0.5),  # what was measured on a shared core
    Noise(0.005, 0.1, 0.8),
    Noise(0.03, 0.03, 0.5, heavy=True),
    Noise(0.03, 0.15, 0.5),
    Noise(0.1, 0.1),
]


def sequentially(noise: Noise, ratio: float, rng: np.random.Generator) -> Estimate:
    """Launch until the interval is narrow, as ``launched`` does."""
    launches: list[NDArray[np.float64]] = []
    for launch in noise.drawn(ratio, rng):
        launches.append(launch)
        if len(launches) >= MIN_LAUNCHES:
            found = estimate(launches)
            if found.is_within(PRECISION) or len(launches) == MOST_LAUNCHES:
                return found
    raise AssertionError


def trials(noise: Noise, ratio: float, count: int, *, seed: int = 0) -> list[Estimate]:
    rng = np.random.default_rng(seed)
    return [sequentially(noise, ratio, rng) for _ in range(count)]


def verdicts(found: list[Estimate]) -> list[Verdict]:
    return [verdict(one.low, one.high, PRECISION) for one in found]


# How often it is right. Of 300 trials at 95 %, fewer than 273 (91 %) would come once in 500 such tests.


@pytest.mark.parametrize("noise", CASES, ids=str)
def test_interval_holds_the_true_ratio(noise: Noise) -> None:
    found = trials(noise, 1.07, 300)
    assert sum(one.low <= 1.07 <= one.high for one in found) >= 273


@pytest.mark.parametrize("noise", CASES, ids=str)
def test_of_two_that_are_the_same_at_most_five_percent_are_called_different(noise: Noise) -> None:
    said = verdicts(trials(noise, 1.0, 300))
    assert said.count("faster") + said.count("slower") <= 15


@pytest.mark.parametrize("noise", CASES[:4], ids=str)
def test_more_than_half_of_the_same_are_called_so(noise: Noise) -> None:
    assert verdicts(trials(noise, 1.0, 100)).count("same") >= 55


@pytest.mark.parametrize("noise", CASES[:4], ids=str)
def test_a_tenth_slower_is_caught_and_never_called_the_same(noise: Noise) -> None:
    said = verdicts(trials(noise, 1.10, 200))
    assert said.count("slower") >= 198
    assert said.count("same") == 0


@pytest.mark.parametrize("noise", CASES, ids=str)
@pytest.mark.parametrize("ratio", [1 / 1.06, 1.06])
def test_what_differs_by_more_than_the_precision_is_seldom_called_the_same(noise: Noise, ratio: float) -> None:
    assert verdicts(trials(noise, ratio, 200)).count("same") <= 10


def test_noise_that_nothing_can_be_seen_through_is_called_that() -> None:
    assert verdicts(trials(Noise(0.3, 0.3), 1.0, 100)).count("too noisy") >= 90


def test_process_offsets_are_what_blocks_alone_do_not_show() -> None:
    """The interval that pairs all rounds of one launch, as bench had it before, misses more than it holds."""
    rng = np.random.default_rng(0)
    noise, held = Noise(0.02, 0.03), 0
    for _ in range(200):
        launch = next(noise.drawn(1.0, rng))
        low, high = bootstrapped(lambda launch=launch: np.median(rng.choice(launch, BLOCKS)))
        held += low <= 0 <= high
    assert held < 100


def test_a_bootstrap_of_few_launches_covers_less_than_it_says() -> None:
    rng = np.random.default_rng(0)
    noise, held, ours = Noise(0.02, 0.02), 0, 0
    for _ in range(300):
        drawn = noise.drawn(1.0, rng)
        launches = [next(drawn) for _ in range(MIN_LAUNCHES)]
        medians = np.array([np.median(launch) for launch in launches])
        low, high = bootstrapped(lambda medians=medians: rng.choice(medians, len(medians)).mean())
        held += low <= 0 <= high
        found = estimate(launches)
        ours += found.low <= 1 <= found.high
    assert held < 264  # 88 %
    assert ours >= 273


def bootstrapped(draw: Callable[[], float]) -> tuple[float, float]:
    low, high = np.percentile([draw() for _ in range(200)], [2.5, 97.5])
    return float(low), float(high)


# What it is


def test_launches_that_agree_by_luck_are_no_proof() -> None:
    """Their blocks spread by 10 %, so four medians that are equal to four digits are an accident."""
    blocks = np.random.default_rng(0).normal(0, 0.1, BLOCKS)
    found = estimate([blocks - np.median(blocks)] * 4)
    assert found.high / found.low > 1.04


@pytest.mark.parametrize("factor", [0.25, 1.0, 3.0])
def test_known_ratio_is_found_without_an_interval(factor: float) -> None:
    found = estimate([np.full(8, math.log(factor))] * 4)
    assert (found.value, found.low, found.high) == pytest.approx((factor,) * 3)


def test_one_bad_block_does_not_move_a_launch() -> None:
    launch = np.zeros(11)
    bad = launch.copy()
    bad[3] = math.log(1000)
    assert estimate([launch, launch, launch, bad]).value == pytest.approx(1)


@given(st.lists(st.lists(st.floats(-5, 5), min_size=1, max_size=9), min_size=2, max_size=6))
@settings(max_examples=60)
def test_ratio_of_the_swapped_pair_is_the_inverse(launches: list[list[float]]) -> None:
    logs = [np.array(launch) for launch in launches]
    found, inverse = estimate(logs), estimate([-launch for launch in logs])
    assert 0 < found.low <= found.value <= found.high < math.inf
    assert found.value * inverse.value == pytest.approx(1)
    assert found.low * inverse.high == pytest.approx(1)


@pytest.mark.parametrize(("degrees", "quantile"), [(1, 12.706), (3, 3.182), (10, 2.228), (12, 2.179), (30, 2.042)])
def test_quantiles_are_those_of_the_tables(degrees: int, quantile: float) -> None:
    assert student(degrees) == pytest.approx(quantile, abs=5e-4)


def test_quantiles_fall_to_the_normals() -> None:
    found = [student(degrees) for degrees in range(1, 400)]
    assert found == sorted(found, reverse=True)
    assert found[-1] == pytest.approx(1.966, abs=1e-3)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.5, 0.6, "faster"),
        (0.90, 0.999, "faster"),
        (1.5, 1.7, "slower"),
        (1.001, 1.2, "slower"),
        (0.96, 1.04, "same"),
        (0.98, 0.99, "same"),
        (1.01, 1.02, "same"),
        (0.9, 1.01, "too noisy"),
        (0.99, 1.5, "too noisy"),
        (0.5, 2.0, "too noisy"),
    ],
)
def test_verdict(low: float, high: float, expected: str) -> None:
    assert verdict(low, high, PRECISION) == expected


@given(st.floats(0.1, 10), st.floats(0.1, 10), st.floats(0.005, 0.5))
def test_verdict_is_only_as_strong_as_the_interval(one: float, other: float, precision: float) -> None:
    low, high = min(one, other), max(one, other)
    found = verdict(low, high, precision)
    if found == "faster":
        assert high < 1
    elif found == "slower":
        assert low > 1
    elif found == "same":
        assert 1 / (1 + precision) <= low <= high <= 1 + precision
    else:
        assert low <= 1 <= high
