"""Which call of torchrun a run is of: what its processes go on with when they are started anew, and what is refused."""

import shutil
from pathlib import Path

import pytest

from edgecnn.errors import CheckpointError
from edgecnn.recipes.read import read
from edgecnn.train import run_folder
from edgecnn.train.run_folder import LAUNCH, OUTCOME, RECIPE


@pytest.fixture
def finished(tmp_path: Path, run: Path) -> Path:
    """A finished run that a call of torchrun began."""
    shutil.copytree(run, tmp_path / "run")
    run_folder.note_launch(tmp_path / "run", "one")
    return tmp_path / "run"


def test_the_call_that_began_a_run_goes_on_with_it_finished_or_not(finished: Path) -> None:
    assert run_folder.is_of_launch(finished, "one", anew=True)
    assert not run_folder.is_of_launch(finished, "other", anew=True)
    (finished / OUTCOME).unlink()
    assert run_folder.is_of_launch(finished, "one", anew=False)
    assert run_folder.is_of_launch(finished, "one", anew=True)


def test_a_later_call_of_the_same_name_does_not_take_a_finished_run_up_when_it_is_started_anew(finished: Path) -> None:
    assert not run_folder.is_of_launch(finished, "one", anew=False)
    assert not run_folder.is_of_launch(finished, "one", anew=True)


@pytest.mark.parametrize("left", [LAUNCH, f".{LAUNCH}-0123456789ab"])
def test_a_kill_before_the_recipe_was_written_leaves_no_run_in_the_way(tmp_path: Path, left: str) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / left).write_text("one\n")
    run_folder.claim(run, read("digits-compact"), resume=False, launch="one")
    assert {path.name for path in run.iterdir()} == {LAUNCH, RECIPE}
    assert run_folder.is_of_launch(run, "one", anew=False)


def test_what_is_no_run_is_still_refused(tmp_path: Path) -> None:
    for name in (LAUNCH, "notes.txt"):
        (tmp_path / name).touch()
    with pytest.raises(CheckpointError, match="exists and is not a run"):
        run_folder.claim(tmp_path, read("digits-compact"), resume=False, launch="one")
