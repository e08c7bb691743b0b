"""Instructions are counted, or it is said why not; the calls are tried with a count that every kernel has."""

import platform
import time

import pytest

from edgecnn.machine import counters

SOFTWARE, TASK_CLOCK, NO_EVENT = 1, 1, 10**6


def test_more_work_is_more_instructions_or_a_reason_is_given() -> None:
    counter = counters.opened()
    if isinstance(counter, str):
        assert counter.startswith("not counted")
        return
    spent = []
    for rounds in (100_000, 1_000_000):
        before = counter.read()
        sum(range(rounds))
        spent.append(counter.read() - before)
    counter.close()
    assert spent[1] > 5 * spent[0]


@pytest.mark.skipif(platform.system() != "Linux", reason="Linux' counters")
def test_time_that_this_process_computes_is_counted_and_sleep_is_not() -> None:
    counter = counters.opened(SOFTWARE, TASK_CLOCK)
    if isinstance(counter, str):
        pytest.skip(counter)  # a container forbids it
    before, started = counter.read(), time.process_time_ns()
    sum(range(1_000_000))
    time.sleep(0.05)
    counted, used = counter.read() - before, time.process_time_ns() - started
    counter.close()
    assert counted == pytest.approx(used, rel=0.2)


@pytest.mark.skipif(platform.system() != "Linux", reason="Linux' counters")
def test_an_event_that_there_is_not_says_so() -> None:
    said = counters.opened(SOFTWARE, NO_EVENT)
    assert isinstance(said, str)
    assert said.startswith("not counted")
    assert "(" in said


def test_another_system_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    assert str(counters.opened()).startswith("not counted on Windows")
