"""What is on the front, and what is preferred for an objective."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecnn.tune.figures import OBJECTIVES, Limits, Variant
from edgecnn.tune.front import COST, choose, is_allowed, reason, with_front

PARENT = Variant("fp32", 2, True, 1_000, 50_000, 1.0, 1.0, (1.0, 1.0), "parent", 0.9, 0.0, (0.0, 0.0))
LIMITS = Limits(max_drop_pp=0.5)


def variant(ratio: float, verdict: str, form: str = "int8", **changes: object) -> Variant:
    return replace(
        PARENT, form=form, latency_ratio=ratio, latency_ratio_ci95=(ratio, ratio), verdict=verdict, **changes
    )


def verdict(ratio: float, is_noisy: bool) -> str:
    if is_noisy:
        return "too noisy"
    return "same" if 0.96 <= ratio <= 1.04 else "faster" if ratio < 1 else "slower"


@st.composite
def others(draw: st.DrawFn) -> Variant:
    ratio = draw(st.one_of(st.floats(0.1, 3), st.floats(0.96, 1.04)))
    return variant(
        ratio,
        verdict(ratio, draw(st.booleans())),
        threads=draw(st.integers(1, 4)),
        size_bytes=draw(st.integers(100, 2_000)),
        peak_bytes=draw(st.integers(10_000, 90_000)),
        drop_pp=draw(st.floats(-1, 2)),
    )


variants = st.lists(others(), max_size=8).map(lambda found: [PARENT, *found])


@given(variants)
def test_the_cheapest_of_each_kind_is_not_beaten_by_more_than_noise(found: list[Variant]) -> None:
    marked = with_front(found)
    assert any(one.on_front for one in marked)
    for loser in (one for one in marked if not one.on_front):
        assert any(
            all(cost(other) <= cost(loser) * 1.05 for cost in COST.values()) and other.drop_pp <= max(loser.drop_pp, 0)
            for other in marked
            if other is not loser
        )


@given(variants, st.sampled_from(OBJECTIVES))
def test_what_is_preferred_is_allowed_and_never_worse_than_the_parent(found: list[Variant], objective: str) -> None:
    preferred = choose(found, objective, LIMITS)
    assert preferred is not None
    assert is_allowed(preferred, LIMITS)
    assert preferred is found[0] or preferred.verdict in ("faster", "same")
    assert COST[objective](preferred) <= COST[objective](found[0]) * 1.05


@pytest.mark.parametrize("verdict", ["slower", "too noisy", "same"])
def test_the_parent_stays_where_nothing_is_shown_to_be_faster(verdict: str) -> None:
    found = [PARENT, variant(0.9, verdict)]
    assert choose(found, "latency", LIMITS) is PARENT
    assert "the parent stays, with the default settings" in reason(PARENT, PARENT, "latency")


def test_the_fastest_is_preferred_and_of_equals_the_one_with_fewer_threads() -> None:
    wide, narrow = variant(0.5, "faster", threads=4), variant(0.51, "faster", threads=1)
    assert choose([PARENT, variant(0.7, "faster"), wide, narrow], "latency", LIMITS) is narrow
    assert reason(narrow, PARENT, "latency").startswith(
        "int8 with 1 thread is the fastest that is allowed: latency x 0.51"
    )


def test_as_fast_and_much_smaller_is_better_than_the_parent() -> None:
    lighter = variant(1.01, "same", size_bytes=300)
    assert choose([PARENT, lighter], "latency", LIMITS) is lighter


def test_the_smallest_is_not_taken_where_it_is_slower() -> None:
    small, slow = variant(1.0, "same", size_bytes=400), variant(1.4, "slower", size_bytes=200)
    assert choose([PARENT, small, slow], "size", LIMITS) is small


def test_limits_that_the_parent_breaks_are_met_by_what_is_slower() -> None:
    slow = variant(1.4, "slower", size_bytes=400)
    assert choose([PARENT, slow], "latency", Limits(0.5, max_size_bytes=500)) is slow
    assert choose([PARENT, slow], "latency", Limits(0.5, max_size_bytes=300)) is None


def test_what_drops_too_far_is_not_preferred() -> None:
    assert choose([PARENT, variant(0.2, "faster", drop_pp=0.6)], "latency", LIMITS) is PARENT
