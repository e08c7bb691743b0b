"""The benchmarks run: on a few images, both sides. Their figures are for a quiet machine."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from programs import program

from edgecnn.recipes.read import read
from edgecnn.tasks._classification.examples import prepared as prepare

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
FEW = {"EDGECNN_BENCH_IMAGES": "300", "OMP_NUM_THREADS": "1"}


@pytest.mark.slow
def test_both_training_loops_run_an_epoch() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "--benchmark-disable", "bench_training.py"]
    environment = {name: value for name, value in os.environ.items() if name != "EDGECNN_REAL_DATA"} | FEW
    options = ["-o", "addopts=--import-mode=importlib", "-o", "python_files=bench_*.py"]
    options += ["-W", "ignore:This DataLoader will create"]  # on fewer cores than workers
    ended = subprocess.run(
        [*command, *options], cwd=FOLDER, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout
    assert "4 passed" in ended.stdout


def test_the_tutorial_learns_what_edgecnn_prepared(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On digits, to a lower goal: the loop that stands beside mnist-fast takes the same prepared examples."""
    benchmark = _benchmark("bench_time_to_99", monkeypatch)
    monkeypatch.setattr(benchmark, "GOAL", 0.6)
    prepared = prepare(read("digits-compact"), data_root)
    found = benchmark.plain(prepared)
    assert found[-1] > 0.6
    assert len(found) <= benchmark.MOST_EPOCHS


def _benchmark(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return program(f"benchmarks/{name}.py")
