"""A child answers documents, is told documents, and says why it ended."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgecnn.process import Child

ECHO = """
import json, sys
from edgecnn.process import answer
print("a library says hello")
print('"and a text"', flush=True)
for line in sys.stdin:
    answer({"told": json.loads(line)})
answer({"stopped": True})
"""
DEAF = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('{}', flush=True)\ntime.sleep(600)"
BROKEN = "raise SystemExit('out of paper')"


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Child]:
    (tmp_path / "child_under_test.py").write_text(request.param)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    child = Child("child_under_test")
    yield child
    child.process.kill()
    child.close()


@pytest.mark.parametrize("started", [ECHO], indirect=True)
def test_answers_what_it_is_told_and_what_else_is_printed_is_no_answer(started: Child) -> None:
    answers = started.answers()
    for told in ({"batch": 1}, {"text": "größer"}):
        started.tell(told)
        assert next(answers) == {"told": told}
    started.stop()
    assert list(answers) == [{"stopped": True}]


@pytest.mark.parametrize("started", [BROKEN], indirect=True)
def test_child_that_dies_has_a_reason_and_may_still_be_told(started: Child) -> None:
    assert list(started.answers()) == []
    assert started.reason() == "out of paper"
    started.tell({"batch": 1})
    started.stop()


@pytest.mark.parametrize("started", ["pass"], indirect=True)
def test_child_that_ends_without_a_word_has_no_message(started: Child) -> None:
    assert (list(started.answers()), started.reason()) == ([], "no message")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no signal to ignore")
@pytest.mark.parametrize("started", [DEAF], indirect=True)
def test_child_that_does_not_stop_is_killed(started: Child) -> None:
    assert next(started.answers()) == {}
    started.end(patience_s=0.1)
    assert started.process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("started", [ECHO], indirect=True)
def test_closed_child_has_ended(started: Child) -> None:
    started.close()
    assert started.process.poll() is not None
