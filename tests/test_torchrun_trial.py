"""The trial of trainings in many processes: what fails it, what its page says, and the program on a few digits."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from programs import ROOT, program

from edgecnn import documents
from edgecnn.errors import CheckFailed
from edgecnn.machine.environment import environment


@pytest.fixture(scope="module")
def page() -> Iterator[ModuleType]:
    """The program of the page, which has the trial's beside it."""
    before = [*sys.path]
    yield program("tools/docs/torchrun_page.py")
    sys.path[:] = before


@pytest.fixture(scope="module")
def tool(page: ModuleType) -> ModuleType:
    return sys.modules["torchrun_trial"]


@pytest.fixture
def trial(tool: ModuleType) -> Any:
    """A trial in which all is as it has to be."""

    def ran(optimizer: str, count: int, seed: int, apart: float) -> Any:
        return tool.Ran(optimizer, count, seed, 0, 0.97 + seed / 1000, 5_000.0 * count, 20.0, 15.0, 0.01, apart)

    runs = [
        ran(name, count, seed, 0.0 if count == 1 else apart)
        for name, apart in (("SGD", 0.02), ("Adam", 0.5))
        for seed in range(3)
        for count in (1, 2, 4)
    ]
    killed = [tool.Killed(number, number % 2, 3.0, "1 epoch finished", 0, 2, 30.0, 0.97, True) for number in range(10)]
    undisturbed = ran("", 2, 0, 0.0)
    seeds_apart = {"SGD": 1.2, "Adam": 1.3}
    one_core = [ran("SGD", 1, 0, 0.03)]
    return tool.Trial(
        tool.WHOLE, tool.FAR, runs, one_core, seeds_apart, undisturbed, killed, environment(), "2026-01-01"
    )


def changed(trial: Any, place: int, **how: object) -> Any:
    runs = [*trial.runs]
    runs[place] = replace(runs[place], **how)
    return replace(trial, runs=runs)


def test_a_trial_that_is_as_it_has_to_be_has_no_failures_and_survives_its_record(
    tool: ModuleType, trial: Any, page: ModuleType, tmp_path: Path
) -> None:
    assert tool.failures(trial) == []
    (tmp_path / "record.json").write_text(documents.to_json(trial))
    said = page.page(tmp_path / "record.json")
    assert "| SGD | 2 | 97.10% (97.00% to 97.20%) | 2.0e-02 | 10,000 | 20 |" in said
    assert "10 of 10 ended by themselves with exit code 0, 10 with the accuracy of the undisturbed training, 10" in said
    assert "**" not in said
    assert "Other programs" not in said


@pytest.mark.parametrize(
    ("how", "said", "shown"),
    [
        ({"code": 1}, "SGD, 2 processes: exit code 1", ""),
        ({"apart": 0.2}, "SGD, 2 processes, seed 0: weights are 2.0e-01 away", "**not within** 0.03"),
        ({"apart": float("nan")}, "SGD, 2 processes, seed 0: weights are nan away", ""),
        ({"accuracy": 0.95}, "SGD, 2 processes: accuracy differs by more than noise", ""),
    ],
)
def test_a_training_that_is_not_as_that_of_one_process_fails(
    tool: ModuleType, trial: Any, page: ModuleType, how: dict[str, Any], said: str, shown: str
) -> None:
    found = trial
    for place in (1, 4, 7) if "accuracy" in how else (1,):  # of two processes, with SGD
        found = changed(found, place, **how)
    assert [one for one in tool.failures(found) if one.startswith(said)]
    assert shown in page.text(found)


@pytest.mark.parametrize("how", [{"code": 1}, {"code": None}, {"starts": 1}, {"same": False}])
def test_a_kill_that_does_not_end_as_it_has_to_fails(tool: ModuleType, trial: Any, how: dict[str, Any]) -> None:
    found = replace(trial, killed=[replace(trial.killed[0], **how), *trial.killed[1:]])
    assert len(tool.failures(found)) == 1
    assert tool.failures(replace(trial, killed=trial.killed[1:])) == ["9 kills of 10"]


def test_the_page_says_that_the_machine_was_busy(trial: Any, page: ModuleType) -> None:
    assert "Other programs took up to 40% of them meanwhile" in page.text(changed(trial, 0, others=0.4))


def test_a_folder_with_another_plan_is_refused(tool: ModuleType, tmp_path: Path) -> None:
    tool.Bench(tool.SMALL, tmp_path, None)
    with pytest.raises(CheckFailed, match="holds a trial of another plan"):
        tool.Bench(tool.WHOLE, tmp_path, None)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the workers in /proc")
def test_the_program_trains_kills_and_writes_a_record(
    tool: ModuleType, page: ModuleType, tmp_path: Path, data_root: Path
) -> None:
    record = tmp_path / "record.json"
    command = [sys.executable, str(ROOT / "tools" / "torchrun_trial.py"), "--small", "--data-root", str(data_root)]
    command += ["--folder", str(tmp_path / "runs"), "-o", str(record)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended
    found = documents.read(tool.Trial, record)
    assert {one.processes: one.apart == 0 for one in found.runs} == {1: True, 2: False}
    assert [(one.code, one.starts, one.same) for one in found.killed] == [(0, 2, True)]
    assert "1 of 1 ended by themselves" in page.page(record)
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.stdout == "passed\n"  # nothing was trained once more
