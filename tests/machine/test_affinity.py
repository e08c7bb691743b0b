"""A process stays on the processors that it is given, with its threads and what it has started."""

import os
import subprocess
import sys

import pytest

from edgecnn.machine import affinity

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no such thing")
PROGRAM = """
import os, subprocess, sys, threading
from edgecnn.machine.affinity import stay
stopped = threading.Event()
thread = threading.Thread(target=stopped.wait)
thread.start()
child = subprocess.Popen(["sleep", "60"])
stay(int(sys.argv[1]), int(sys.argv[2]))
for task in (os.getpid(), thread.native_id, child.pid):
    print(*sorted(os.sched_getaffinity(task)))
child.kill()
child.wait()
stopped.set()
"""


@pytest.fixture
def mine() -> list[int]:
    found = sorted(os.sched_getaffinity(0))
    if len(found) < 2:
        pytest.skip("one processor")
    return found


def _stayed(turn: int, count: int) -> list[list[int]]:
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(turn), str(count)], check=True, capture_output=True, text=True
    )
    return [list(map(int, line.split())) for line in said.stdout.splitlines()]


@pytest.mark.parametrize("turn", [0, 1])
def test_threads_and_children_stay_with_it(mine: list[int], turn: int) -> None:
    assert _stayed(turn, 1) == [[mine[turn % len(mine)]]] * 3


def test_who_needs_all_stays_on_all(mine: list[int]) -> None:
    assert _stayed(1, len(mine)) == [mine] * 3


def test_every_processor_has_its_turn() -> None:
    assert set().union(*(affinity.chosen([0, 2, 5], turn, 2) for turn in range(3))) == {0, 2, 5}
    assert all(len(affinity.chosen([0, 2, 5], turn, 2)) == 2 for turn in range(9))
