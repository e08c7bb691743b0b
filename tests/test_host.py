"""A library leaves its host alone: what is set for the whole process is after every call as it was before."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import edgecnn

PROGRAM = Path(__file__).with_name("host.py")
PACKAGE = Path(edgecnn.__file__).parent
CALLS = 22  # with the import of every module


@pytest.mark.slow
def test_every_call_leaves_threads_random_state_environment_and_logs_as_they_were(tmp_path: Path) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("ORT_")}
    done = subprocess.run(
        [sys.executable, str(PROGRAM)], cwd=tmp_path, env=own, capture_output=True, text=True, check=False
    )
    *calls, engine = done.stdout.splitlines() or [""]
    assert done.returncode == 0, done.stderr
    assert [line for line in calls if not line.endswith(": as before")] == []
    assert len(calls) == CALLS
    assert engine == "ONNX Runtime: imported 1 times, 0 of them with reports"


@pytest.mark.slow
def test_the_program_notices_what_is_left_changed() -> None:
    script = (
        "import host, torch, os, logging, warnings\n"
        "before = {name: read() for name, read in host.SETTINGS.items()}\n"
        "from edgecnn.train.device import keep_freed_memory\n"
        "from edgecnn.webcam.opencv import silence\n"
        "keep_freed_memory(), silence(), torch.rand(1), logging.basicConfig(), warnings.simplefilter('ignore')\n"
        "print([name.partition(' [')[0] for name in host.changed(before)])"
    )
    own = {name: value for name, value in os.environ.items() if not name.startswith(("OPENCV", "QT"))}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROGRAM.parent, env=own, capture_output=True, text=True, check=True
    )
    changed = ["random state of torch", "environment", "OpenCV", "loggers", "warnings"]
    if sys.platform == "linux":
        changed.insert(1, "allocator")
    assert ast.literal_eval(done.stdout) == changed


PROJECTS = ("embed/templates/python/classify.py", "embed/templates/python_detection/detect.py")


def test_onnx_runtime_is_imported_without_reports_alone() -> None:
    """Outside of what is imported after ``quantize.forms``, which imports it so, and of projects for others."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.partition(".")[0] == "onnxruntime" for name in names):
                found.add(path.relative_to(PACKAGE).as_posix())
    assert found == {"quantize/forms/_quantizer.py", *PROJECTS}


@pytest.mark.parametrize(("said", "after"), [(None, "None"), ("0", "0"), ("1", "1")])
def test_what_the_user_says_of_reports_stands(said: str | None, after: str) -> None:
    own = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    script = (
        "import os, sys; sys.modules['onnxruntime'] = os; from edgecnn.runtime import engine;"
        "assert engine.onnxruntime() is os; print(os.environ.get('ORT_DISABLE_TELEMETRY'))"
    )
    given = own | ({} if said is None else {"ORT_DISABLE_TELEMETRY": said})
    assert subprocess.check_output([sys.executable, "-c", script], env=given, text=True).strip() == after


def test_a_failed_import_of_onnx_runtime_leaves_the_environment() -> None:
    own = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    script = (
        "import os, sys\n"
        "class Broken:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'onnxruntime':\n"
        "            raise ImportError(os.environ['ORT_DISABLE_TELEMETRY'])\n"
        "sys.meta_path.insert(0, Broken())\n"
        "from edgecnn.runtime import engine\n"
        "try:\n    engine.onnxruntime()\n"
        "except ImportError as error:\n    print(error, os.environ.get('ORT_DISABLE_TELEMETRY'))\n"
    )
    assert subprocess.check_output([sys.executable, "-c", script], env=own, text=True).split() == ["1", "None"]
