"""No command writes outside its outputs and caches or asks anybody; the trace that says so sees what does."""

import os
import shutil
import sys
from pathlib import Path
from types import ModuleType

import onnxruntime
import pytest
from programs import program

from edgecnn.embed import embed

ROOT = Path(__file__).resolve().parents[1]
REPORTS = tuple(int(part) for part in onnxruntime.__version__.split(".")[:2]) >= (1, 32)
needs_strace = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("strace") is None, reason="needs Linux and strace"
)


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return program("tools/trace.py")


@pytest.fixture
def place(tool: ModuleType, tmp_path: Path):
    found = tool.Place(tmp_path)
    for folder in (found.here, found.home, found.temporary):
        folder.mkdir()
    return found


def test_the_tests_report_to_nobody() -> None:
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"


@needs_strace
@pytest.mark.slow
def test_what_runs_a_model_writes_nothing_and_asks_nobody(tool, place, model: Path) -> None:
    app = embed(model, "python", place.here / "app").folder
    commands = {
        "bench": (*tool.EDGECNN, "bench", str(model), "--batch", "1", "--seconds", "0.05"),
        "a project": (sys.executable, str(app / "selftest.py")),
    }
    for name, command in commands.items():
        seen = tool.trace(name, command, place)
        assert (seen.exit_code, seen.outside, seen.asked, seen.listened) == (0, [], [], []), name


@needs_strace
@pytest.mark.slow
@pytest.mark.skipif(not REPORTS, reason="this ONNX Runtime has no reports to see")
def test_the_trace_sees_reports_that_the_user_has_switched_on(tool, place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "1")  # a build server, where ONNX Runtime would keep silent
    seen = tool.trace("on", (sys.executable, "-c", "import edgecnn, onnxruntime"), place, ORT_DISABLE_TELEMETRY="0")
    assert seen.exit_code == 0
    assert any("Microsoft" in path for path in seen.outside)


@needs_strace
def test_the_trace_names_a_file_and_an_address(tool, place) -> None:
    script = (
        "import socket, pathlib; pathlib.Path.home().joinpath('note').touch(); pathlib.Path('mine').touch();"
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))"
    )
    seen = tool.trace("both", (sys.executable, "-c", script), place)
    assert (seen.written, seen.outside, seen.asked) == (1, ["~/note"], ["127.0.0.1:9"])
