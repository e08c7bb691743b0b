"""The zoo's files on processors of other kinds: opened by a plain session, as any program opens them."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgecnn import zoo

CHECKOUT = Path(__file__).resolve().parents[1]
TOOLS = CHECKOUT / "tools"
IMAGES, LOST = 2_000, 0.005  # on so many test images half a point would be seen
LEVELS = ("here", "avx2")
SELFTESTS = """
import sys
from edgecnn.runtime.load import load_model
from edgecnn.runtime.selftest import selftest
for file in sys.argv[1:]:
    if not selftest(load_model(file)).passed:
        print(file)
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        platform.system() != "Linux" or platform.machine() != "x86_64" or not shutil.which("gcc"),
        reason="replaces cpuid instructions of x86-64 libraries on Linux, with gcc",
    ),
]


@pytest.mark.parametrize("level", ["avx2", "sse"])
def test_each_file_passes_its_selftest(level: str) -> None:
    files = [str(path) for model in zoo.models_in(CHECKOUT / "exported") for path in model.forms.values()]
    assert files
    assert _told(level, SELFTESTS, *files) == ""


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["mnist-best", "mnist-compact", "fashion-mnist-best"])
def test_int8_is_as_accurate_on_avx2_as_here(name: str, real_data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(TOOLS)
    import processors

    here, there = (processors.measure("", name, "", zoo.find(name), level, IMAGES, real_data_root) for level in LEVELS)
    assert there.score == pytest.approx(here.score, abs=LOST)


def _told(level: str, code: str, *arguments: str) -> str:
    command = [sys.executable, str(TOOLS / "processor.py"), level, "--", sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=250).stdout.strip()
