"""How the machine was: what others took is told from what this process and its children took."""

import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from edgecnn.machine import conditions
from edgecnn.machine.conditions import Conditions, Watch

QUIET = Conditions(1.0, 0.1, 0.0, 0.0, None, None, None)
BUSY = "import time\nwhile time.process_time() < 0.5: pass"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"others": 0.4}, "other programs took 40% of the processors"),
        ({"steal": 0.05}, "the host gave 5% of the time to other virtual machines"),
        ({"throttled": 0.3}, "the container's quota stopped this for 30% of the time"),
        ({"overheated": 3}, "the processor slowed down for heat 3 times"),
        ({"mhz": (1200.0, 3400.0)}, "the frequency went from 3400 down to 1200 MHz"),
    ],
)
def test_each_trouble_is_said_and_alone(change: dict, said: str) -> None:
    assert replace(QUIET, **change).troubles == [said]
    assert replace(QUIET, **change).sentence.startswith(f"not quiet: {said}")


def test_a_quiet_machine_is_called_that_with_what_is_not_known() -> None:
    assert QUIET.troubles == []
    assert QUIET.sentence == "quiet (frequency, heat not known here)"
    assert replace(QUIET, overheated=0, mhz=(3000.0, 3100.0)).sentence == "quiet"


def test_where_nothing_is_known_nothing_is_claimed() -> None:
    assert replace(QUIET, others=None).sentence == "what else ran is not known on this system"


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_the_work_of_ended_children_is_own() -> None:
    before = conditions._own_s()
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    assert conditions._own_s() - before > 0.4


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_shares_are_of_the_ticks_of_these_processors() -> None:
    hertz = os.sysconf("SC_CLK_TCK")
    before, after = (1000, 100, 0), (1000 + 10 * hertz, 100 + 6 * hertz, hertz)  # ten seconds, six used, one stolen
    assert conditions._shares(before, after, own_s=2.0) == pytest.approx((0.4, 0.1))
    assert conditions._shares(before, after, own_s=9.0)[0] == 0
    assert conditions._shares(before, before, own_s=0.0) == (None, None)


def test_a_watch_sees_shares() -> None:
    watch = Watch()
    sum(range(3_000_000))
    found = watch.conditions()
    assert found.seconds > 0
    assert all(share is None or 0 <= share <= 1 for share in (found.others, found.steal))


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_program_beside_is_seen_by_what_it_takes() -> None:
    """It keeps each processor busy, and what waits here takes nothing: hardly anything is left."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in os.sched_getaffinity(0)]
    try:
        time.sleep(0.3)  # until they run
        watch = Watch()
        time.sleep(0.7)
        found = watch.conditions()
    finally:
        for other in others:
            other.kill()
            other.wait()
    assert found.others is not None
    assert found.others > 0.5
    assert found.sentence.startswith("not quiet: other programs took")
