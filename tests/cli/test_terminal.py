"""What a terminal shows: names and numbers whole at its width, progress that vanishes, nothing of that in a pipe."""

import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from edgecnn_cli import console, table
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

WIDTHS = (60, 80, 120)
WORDS = st.text("abcxyz0123456789-/._µ中", min_size=1, max_size=18)
CELLS = st.lists(WORDS, max_size=8).map(" ".join) | st.integers(0, 10**9).map("{:,}".format)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 7).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n), min_size=2, max_size=6)))
def test_a_table_has_every_word_whole_at_every_width(rows: list[list[str]]) -> None:
    columns = [cell.partition(" ")[0] for cell in rows[0]]
    for width in (None, *WIDTHS):
        shown = [line.text for line in table.lines(columns, rows[1:], width=width)]
        said = {part for line in shown for word in line.split() for part in (word, word.removesuffix(","))}
        assert {word for row in rows[1:] for cell in row for word in cell.split()} <= said
        longest = max((table.cell_len(word) for row in rows for cell in row for word in cell.split(" ")), default=0)
        if width and 2 * longest + 8 < width:
            assert max(map(table.cell_len, shown), default=0) <= max(width, longest)


def test_numbers_stand_under_each_other_and_words_begin_there() -> None:
    shown = table.lines(("a", "n", "verdict"), [("x", "9.5", "faster"), ("y", "10.25", "slow")])
    assert [line.text for line in shown] == ["a      n  verdict", "x    9.5  faster", "y  10.25  slow"]


def test_what_all_rows_share_is_said_once_where_there_is_no_room() -> None:
    shown = table.lines(("model", "threads", "p50"), [("first", "1", "2.5"), ("second", "1", "3.5")], width=16)
    found = [line.text for line in shown]
    assert found == ["in every row:", "threads 1", "model   p50", "first   2.5", "second  3.5"]


def test_what_is_left_out_is_said() -> None:
    shown = table.lines(
        ("a", "bytes", "kind"), [("long-name", "1,000", "x"), ("other", "2", "y")], width=17, spare=("kind",)
    )
    assert [line.text for line in shown][-1] == "too narrow for kind; --json has all"
    assert [line.text for line in shown][1] == "long-name  1,000"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], io.StringIO]:
    """Make standard output a terminal of a width; returns what it shows."""

    def of_width(width: int) -> io.StringIO:
        shown = io.StringIO()
        wide = Console(file=shown, width=width, force_terminal=True, color_system=None)
        monkeypatch.setattr(console, "out", lambda: wide)
        return shown

    return of_width


NAMED = {
    ("list", "models"): ("fashion-mnist-best", "118.9", "99.72%"),
    ("list", "recipes"): ("cifar100-a2-as-written", "mnist-compact"),
    ("list", "studies"): ("e-learning-rates",),
    ("list", "networks"): ("densenet", "309,962"),
    ("list", "datasets"): ("cifar100-coarse", "scikit-learn,"),
    ("list", "providers"): ("openvino", "'edgecnn[openvino]'"),
    ("inspect", "mnist-compact"): ("AveragePool", "36,928", "72,442", "75.1", "118,877"),
    ("inspect", "digit-finder"): ("NonMaxSuppression", "225,141"),
    ("selftest", "mnist-c1"): ("log-probability",),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("arguments", NAMED, ids=" ".join)
def test_a_command_shows_names_and_numbers_whole(edgecnn, terminal, width: int, arguments: tuple[str, ...]) -> None:
    shown = terminal(width)
    assert edgecnn(*arguments).code == 0
    lines = shown.getvalue().splitlines()
    assert not [line for line in lines if len(line) > width and " " in line.strip()]
    assert {*NAMED[arguments]} <= {word for line in lines for word in line.split()}


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_measured_is_whole(edgecnn, terminal, run: Path, model: Path, data_root: Path, width: int) -> None:
    shown = terminal(width)
    edgecnn("evaluate", model, "--data-root", data_root)
    edgecnn("verify", run, model, "--data-root", data_root)
    lines = shown.getvalue().splitlines()
    assert not [line for line in lines if len(line) > width and " " in line.strip()]
    words = {word for line in lines for word in line.split()}
    assert {str(model), str(run), "359"} <= words
    assert any(re.fullmatch(r"\d+\.\d\d%\.\.\d+\.\d\d%", word) for word in words)


def test_a_command_to_type_next_can_be_typed_as_it_is_folded(terminal) -> None:
    shown = terminal(60)
    console.say_next(f"edgecnn quantize {'very-' * 8}long.onnx --data 'folder:my pictures' --data-root data")
    lines = shown.getvalue().splitlines()
    assert all(len(line) <= 60 for line in lines)
    assert [line[-2:] for line in lines[:-1]] == [" \\"] * (len(lines) - 1)
    told = subprocess.check_output(["sh", "-c", shown.getvalue().replace("next: edgecnn", "printf '%s|'")], text=True)
    assert told == f"quantize|{'very-' * 8}long.onnx|--data|folder:my pictures|--data-root|data|"


COUNTS = """
import sys, time
from edgecnn import progress
from edgecnn_cli import console
console.PATIENCE_S = 0
with console.stages(quiet="quiet" in sys.argv) as say:
    say("counting")
    for number in progress.told(range(3)):
        time.sleep(0.3)
console.verdict(True, "counted")
console.warn("late")
"""


def on_a_terminal(*arguments: str, end: int | None = None, **environment: str) -> str:
    """Run Python with a terminal for all three streams; returns all that it wrote. ``end`` is a signal sent halfway."""
    import pty

    command = [sys.executable, *arguments]
    child, terminal = pty.fork()
    if not child:
        os.execve(command[0], command, os.environ | {"TERM": "xterm-256color"} | environment)
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 65536)
        except OSError:  # Linux says so where the other end has closed
            break
        if end and b"1 of 3" in shown:
            os.kill(child, end)
            end = None
    os.waitpid(child, 0)
    os.close(terminal)
    return shown.decode()


COLOR = re.compile(r"\x1b\[(?:\d+;)*[34]\d")
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


@posix
def test_progress_shows_on_a_terminal_and_vanishes() -> None:
    shown = on_a_terminal("-c", COUNTS)
    assert "counting …" in shown
    assert "1 of 3" in shown
    assert "\x1b[2K" in shown  # the line is taken back
    assert COLOR.search(shown)
    assert "counting" not in on_a_terminal("-c", COUNTS, "quiet")
    assert "counting" not in on_a_terminal("-c", COUNTS, TERM="dumb")


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_cursor_stays_whatever_ends_progress(number: signal.Signals) -> None:
    assert "\x1b[?25l" not in on_a_terminal("-c", COUNTS, end=number)


@posix
def test_no_color_is_none() -> None:
    shown = on_a_terminal("-c", COUNTS, NO_COLOR="1")
    assert "passed: counted" in shown
    assert not COLOR.search(shown)
    told = on_a_terminal("-m", "edgecnn_cli", "train", "mnist-c9", NO_COLOR="1")
    assert "error: " in told
    assert not COLOR.search(told)


def test_a_pipe_gets_neither_progress_nor_control_characters() -> None:
    result = subprocess.run([sys.executable, "-c", COUNTS], capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("passed: counted\n", "warning: late\n")


@pytest.mark.parametrize(
    "arguments", [("list", "models"), ("inspect", "digit-finder"), ("train", "mnist-c9")], ids=" ".join
)
def test_a_command_in_a_pipe_has_a_line_a_row_and_no_control_characters(process, arguments: tuple[str, ...]) -> None:
    result = process(*arguments)
    assert "\x1b" not in result.stdout + result.stderr
    assert len(result.stderr.splitlines()) == (arguments[0] == "train")


def test_of_many_recipes_the_nearest_is_named_alone(edgecnn) -> None:
    assert edgecnn("train", "mnist-compct").err == (
        "error: no recipe 'mnist-compct'; there is what edgecnn list recipes shows, or a path ending in .toml. "
        "Did you mean 'mnist-compact'?\n"
    )
