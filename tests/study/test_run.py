"""A study as a user runs it: real processes, a run that diverges, nothing done twice, stopped and continued."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from interrupting import interrupted
from PIL import Image

from edgecnn.errors import CheckpointError, EdgecnnError
from edgecnn.recipes.read import read as read_recipe
from edgecnn.study import results
from edgecnn.study.read import read
from edgecnn.study.results import Finished, StudyResult
from edgecnn.study.run import run_study

RATES = """
description = "Rates on the digits"
recipe = "digits-compact"

[set]
epochs = 2
batch_size = 32
precision = "fp32"
data = { subset = 300, validation = 100 }
network.parameters = { filters = [4, 8] }

[quick]
epochs = 1

[[run]]
label = "low"
stated = 90
set = { optimizer.learning_rate = 1e-3 }

[[run]]
label = "high"
set = { optimizer = { learning_rate = 1e-2 } }

[[run]]
label = "absurd"
set = { optimizer = { learning_rate = 1e6 } }
"""

RECORDS = Path(__file__).resolve().parents[2] / "docs" / "records" / "studies"
FILES = {"runs", "starts", "study.json", "study.csv", "study.md"}


def write(folder: Path, text: str) -> str:
    path = folder / "rates.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, data_root: Path) -> StudyResult:
    folder = tmp_path_factory.mktemp("study")
    return run_study(read(write(folder, RATES)), folder / "rates", jobs=2, root=data_root)


@pytest.mark.slow
def test_runs_are_trained_and_the_one_that_diverges_is_a_row_of_its_own(done: StudyResult) -> None:
    assert {path.name for path in done.folder.iterdir()} == FILES
    low, high, absurd = done.runs
    for run in (low, high):
        assert run.failed is None
        assert run.finished is not None
        assert (run.finished.epochs, run.finished.layers, run.finished.threads) == (2, 5, 1)
        assert 0 < run.finished.score <= 1
    assert absurd.finished is None
    assert "training diverged" in (absurd.failed or "")
    assert done.failed == [absurd]


@pytest.mark.slow
def test_what_a_study_wrote_is_read_as_what_it_was(done: StudyResult) -> None:
    assert results.read(done.folder) == done


@pytest.mark.slow
def test_every_form_of_the_table_has_the_same_figures(done: StudyResult) -> None:
    document = json.loads((done.folder / "study.json").read_text())
    rows = list(csv.DictReader((done.folder / "study.csv").read_text().splitlines()))
    page = (done.folder / "study.md").read_text()
    for run, told, row in zip(done.runs, document["runs"], rows, strict=True):
        assert run.label == told["label"] == row["label"]
        assert told["run"] == f"runs/{run.label}-seed0"
        assert float(row["optimizer.learning_rate"]) == told["settings"]["optimizer.learning_rate"]
        if run.finished is not None:
            assert told["finished"]["validation"]["accuracy"] == run.finished.score
            assert float(row["validation_accuracy"]) == run.finished.score
            assert f"| {100 * run.finished.score:.2f} |" in page
    assert rows[2]["failed"] == document["runs"][2]["failed"] != ""
    assert "- absurd, seed 0: training diverged" in page
    assert "a study never opens a test split" in page
    assert "Stated figures are of the test split." in page


@pytest.mark.slow
def test_run_again_trains_nothing(done: StudyResult, tmp_path: Path, data_root: Path) -> None:
    copy = tmp_path / "rates"
    shutil.copytree(done.folder, copy)
    before = {path: path.stat().st_mtime_ns for path in (copy / "runs").rglob("*")}
    seen: list[str] = []
    again = run_study(
        read(write(tmp_path, RATES)), copy, root=data_root,
        on_progress=lambda name, progress: seen.append(name), on_run=lambda result: seen.append(result.label),
    )  # fmt: skip
    assert seen == ["low", "high", "absurd"]
    assert {path: path.stat().st_mtime_ns for path in (copy / "runs").rglob("*")} == before
    assert [(run.failed, run.finished) for run in again.runs] == [(run.failed, run.finished) for run in done.runs]


@pytest.mark.slow
def test_another_recipe_in_the_same_folder_is_a_message(done: StudyResult, tmp_path: Path, data_root: Path) -> None:
    with pytest.raises(CheckpointError, match=r"epochs was 2, now 3.*another run with -o"):
        run_study(read(write(tmp_path, RATES)), done.folder, changes={"epochs": 3}, root=data_root)


@pytest.mark.slow
def test_a_run_that_fails_otherwise_is_tried_again(tmp_path: Path, data_root: Path) -> None:
    text = 'recipe = "digits-compact"\n[[run]]\nlabel = "bad"\nset = { network.parameters.filter = [4] }\n'
    result = run_study(read(write(tmp_path, text)), tmp_path / "out", root=data_root)
    assert "no parameter 'filter'" in (result.runs[0].failed or "")
    assert not list(tmp_path.rglob("failed.txt"))


def test_no_jobs_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(EdgecnnError, match="--jobs 0: expected a positive integer"):
        run_study(read("b-mnist"), tmp_path / "out", jobs=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_command_shows_the_table_draws_and_leaves_with_1_when_a_run_failed(
    done: StudyResult, tmp_path: Path, data_root: Path
) -> None:
    shutil.copytree(done.folder, tmp_path / "studies" / "rates")
    write(tmp_path, RATES)
    command = [sys.executable, "-m", "edgecnn_cli.main", "study", "rates.toml", "--data-root", str(data_root)]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 1, told.stderr
    assert told.stderr == ""
    assert "FAILED: absurd, seed 0: training diverged" in told.stdout
    assert "picture: studies/rates/study.png" in told.stdout
    with Image.open(tmp_path / "studies" / "rates" / "study.png") as picture:
        assert len(picture.convert("RGB").getcolors(10**6)) > 50


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_control_c_saves_every_run_and_the_same_command_continues(tmp_path: Path, data_root: Path) -> None:
    write(tmp_path, RATES.replace("epochs = 2", "epochs = 12").partition('[[run]]\nlabel = "absurd"')[0])
    arguments = ("study", "rates.toml", "--jobs", "2", "--data-root", str(data_root), "--json")
    runs = tmp_path / "studies" / "rates" / "runs"
    said = interrupted(*arguments, cwd=tmp_path, begun=lambda: any(runs.glob("*/metrics.jsonl")))
    assert "of 2 runs finished; the others have saved their state" in said
    assert said.strip().endswith(f"edgecnn study rates.toml --jobs 2 --data-root {data_root} --json")
    started = [run for run in runs.iterdir() if (run / "metrics.jsonl").exists()]
    assert started
    first = {run: (run / "metrics.jsonl").read_text().splitlines()[0] for run in started}
    command = [sys.executable, "-m", "edgecnn_cli.main", *arguments]
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert [run["finished"]["epochs"] for run in json.loads(again.stdout)["runs"]] == [12, 12]
    assert all((run / "metrics.jsonl").read_text().startswith(line) for run, line in first.items())


@pytest.mark.slow
def test_a_worker_whose_parent_is_gone_saves_and_ends(tmp_path: Path, data_root: Path) -> None:
    changes = {"epochs": 1000, "data.subset": 300, "data.validation": 100, "network.parameters.filters": [4, 8]}
    job = {
        "recipe": read_recipe("digits-compact", changes).model_dump(),
        "until": 1000,
        "run": str(tmp_path / "run"),
        "starts": str(tmp_path / "starts.txt"),
        "here": str(tmp_path),
        "device": "cpu",
        "root": str(data_root),
        "cores": sorted(os.sched_getaffinity(0))[:1] if hasattr(os, "sched_getaffinity") else [],
    }
    command = [sys.executable, "-m", "edgecnn.study.worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(json.dumps(job) + "\n")
        worker.stdin.flush()
        assert "progress" in json.loads(worker.stdout.readline())
        worker.stdin.close()
        answers = [json.loads(line) for line in worker.stdout]
        assert worker.wait(60) == 0
    assert answers[-1]["error"] == "Interrupted"
    assert (tmp_path / "run" / "state.pt").exists()


def finished(metric: str, value: float) -> Finished:
    figures = {"loss": 0.1, metric: value}
    return Finished(1, 1, 1, 1, 1.0, 1.0, figures, figures, 100, "cpu", "fp32", 1, "a processor", {}, metric)


@pytest.mark.parametrize(("metric", "shown"), [("accuracy", "92.00 ± 2.00"), ("f1", "0.9200 ± 0.0200")])
def test_mean_and_deviation_are_over_the_seeds_that_finished(metric: str, shown: str) -> None:
    rows = [
        results.RunResult("a", seed, {}, 90.0, "test", Path("run"), None, finished(metric, value))
        for seed, value in ((0, 0.9), (1, 0.92), (2, 0.94))
    ]
    rows.append(results.RunResult("a", 3, {}, 90.0, "test", Path("run"), "diverged", None))
    (label,) = results.by_label(rows)
    assert (label.runs, round(label.mean or 0, 6)) == (3, 0.92)
    assert (label.metric, results.mean_text(label)) == (metric, shown)


@pytest.mark.parametrize("name", ["b-cifar10", "d-activations", "d-optimizers", "e-filters"])
def test_what_0_1_0_wrote_is_read(name: str) -> None:
    """It called the score accuracy, whatever it was."""
    folder = RECORDS / name
    written, found = json.loads((folder / results.DOCUMENT).read_text()), results.read(folder)
    assert [label.mean for label in found.labels] == [label["accuracy_mean"] for label in written["labels"]]
    assert found.metrics == ("accuracy",)
    for run, told in zip(found.runs, written["runs"], strict=True):
        if run.finished is not None:
            assert run.finished.score == told["finished"]["validation"]["accuracy"]
