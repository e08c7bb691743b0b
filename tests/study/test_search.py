"""A search: what it may say, points that are drawn, and real runs that are stopped early, continued and compared."""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interrupting import interrupted

from edgecnn.errors import CheckpointError, RecipeError
from edgecnn.study import results
from edgecnn.study.course import Searched, searched_metric
from edgecnn.study.plan import PlannedRun, plan
from edgecnn.study.read import read
from edgecnn.study.results import Finished, RunResult, StudyResult
from edgecnn.study.run import run_study
from edgecnn.study.schema import Draws, Range, Study
from edgecnn.study.searched import ladder
from edgecnn.train.run_folder import read_rows

EPOCHS = 5
RATES = """
description = "Rates on the digits"
recipe = "digits-compact"

[set]
epochs = 5
batch_size = 32
precision = "fp32"
data = { subset = 300, validation = 100 }
network.parameters = { filters = [4, 8] }

[grid]
"optimizer.learning_rate" = [1e-5, 1e-2, 1e6, 1e-3]
"""
SEARCH = '\n[search]\nscheduler = "halving"\ngrace_epochs = 1\nreduction = 2\n'
SMALL = 'recipe = "digits-compact"\n[set]\nepochs = 6\n[grid]\nbatch_size = [16, 32, 64]\n'
ASHA = SMALL + '[search]\nscheduler = "asha"\n'
TIMES = {"seconds", "seconds_per_epoch", "folder", "search"}


def study(folder: Path, text: str) -> Study:
    path = folder / "rates.toml"
    path.write_text(text, encoding="utf-8")
    return read(str(path))


# What a study may say


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SMALL + '[search]\nscheduler = "ash"\n', r"search\.scheduler is 'ash'; allowed: .*Did you mean 'asha'\?"),
        (SMALL + "[search]\nreduction = 3\n", r"search\.scheduler is missing"),
        (ASHA + 'reduction = 1\n', r"search\.reduction is 1; input should be greater"),
        (ASHA + 'grace_epochs = 0\n', r"search\.grace_epochs is 0; input should be greater"),
        (ASHA + 'eta = 3\n', r"unknown key search\.eta; allowed: scheduler, metric, grace_"),
        (ASHA + 'grace_epochs = 7\n',
         r"study rates: search\.grace_epochs is 7, and its runs have only 6 epochs\. Expected fewer"),
        (ASHA + 'metric = "acuracy"\n',
         r"metric is 'acuracy'; its runs have accuracy, precision, recall, f1, loss\. Did you mean 'accuracy'\?"),
        (ASHA.replace("batch_size", "epochs"),
         r"after equally many epochs, and 'epochs=16' has 16, 'epochs=32' 32\. Give all the same"),
        ('[[run]]\nlabel = "a"\nrecipe = "digits-compact"\n[[run]]\nlabel = "b"\nrecipe = "digit-finder"\n'
         '[set]\nepochs = 2\n[search]\nscheduler = "asha"\n',
         r"its runs are of several tasks.*\(precision, recall, f1, loss\)"),
    ],
)  # fmt: skip
def test_message_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        run_study(study(tmp_path, text), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_runs_of_several_tasks_are_compared_by_what_they_share(tmp_path: Path) -> None:
    runs = '[[run]]\nlabel = "a"\nrecipe = "digits-compact"\n[[run]]\nlabel = "b"\nrecipe = "digit-finder"\n'
    found = study(tmp_path, f'{runs}[set]\nepochs = 2\n[search]\nscheduler = "asha"\nmetric = "f1"\n')
    assert found.search is not None
    assert searched_metric(found, found.search, plan(found)) == "f1"


# Points that are drawn

DRAWN = """
recipe = "digits-compact"
[random]
samples = 5
seed = 3
[random.vary]
"optimizer.learning_rate" = { log_uniform = [1e-4, 1e-1] }
"network.parameters.dropout" = { uniform = [0.0, 0.5] }
batch_size = [16, 32, 64]
epochs = { integer = [2, 9] }
"""


def test_drawn_points_are_the_same_each_time_and_more_of_them_begin_alike(tmp_path: Path) -> None:
    five, again, nine = (
        plan(study(tmp_path, text)) for text in (DRAWN, DRAWN, DRAWN.replace("samples = 5", "samples = 9"))
    )
    assert [run.label for run in five] == [run.label for run in again] == [run.label for run in nine][:5]
    assert len({run.label for run in nine}) == 9
    other = plan(study(tmp_path, DRAWN.replace("seed = 3", "seed = 4")))
    assert not {run.label for run in other} & {run.label for run in nine}
    for run in nine:
        assert re.fullmatch(r"learning_rate=\S+, dropout=\S+, batch_size=\d+, epochs=\d", run.label)
        assert 1e-4 <= run.recipe.optimizer.learning_rate <= 1e-1
        assert run.label.startswith(f"learning_rate={run.recipe.optimizer.learning_rate:g}, ")
        assert 0 <= run.recipe.network.parameters["dropout"] <= 0.5
        assert run.recipe.batch_size in (16, 32, 64)
        assert 2 <= run.recipe.epochs <= 9


@given(st.floats(0, 1, exclude_max=True), st.floats(1e-300, 1e300), st.floats(1e-300, 1e300))
def test_a_drawn_number_is_between_its_ends(share: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    if low < high:
        for within in (Range(uniform=(low, high)), Range(log_uniform=(low, high))):
            assert low <= within.value(share) <= high


def test_a_logarithmic_range_is_even_in_its_logarithm_and_whole_numbers_come_all() -> None:
    rates = [point["rate"] for point in Draws(samples=400, vary={"rate": {"log_uniform": [1e-4, 1]}}).points()]
    for decade in (1e-4, 1e-3, 1e-2, 1e-1):
        assert 70 < sum(decade <= rate < 10 * decade for rate in rates) < 130
    whole = Draws(samples=4, vary={"count": {"integer": [2, 5]}}).points()
    assert sorted(point["count"] for point in whole) == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("{ integer = [2, 9] }", "{ integer = [9, 2] }"), r"vary\.epochs is .*from a number to a greater one"),
        (("{ integer = [2, 9] }", "{ whole = [2, 9] }"), r"unknown key random\.vary\.epochs\.whole; allowed: choice"),
        (("{ integer = [2, 9] }", "{}"), r"a range is one of choice, uniform, log_uniform and integer"),
        (("{ integer = [2, 9] }", "7"), r"random\.vary\.epochs is 7; input should be a valid dict"),
        (("[1e-4, 1e-1]", "[0, 1e-1]"), r"log_uniform\.0 is 0; input should be greater than 0"),
        (("samples = 5\n", ""), r"random\.samples is missing"),
        (("samples = 5", "samples = 2000"), r"random\.samples is 2000; input should be less than or equal to 1000"),
        (("[random]", "[grid]\nbatch_size = [1]\n[random]"), r"a study has \[grid\] or \[random\]"),
        (("epochs =", "seed ="), r"Use seeds, or --seeds 0,1,2"),
    ],
)  # fmt: skip
def test_message_says_what_cannot_be_drawn(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    assert change[0] in DRAWN
    with pytest.raises(RecipeError, match=message):
        plan(study(tmp_path, DRAWN.replace(*change)))


def test_more_samples_than_there_are_points_is_a_message(tmp_path: Path) -> None:
    text = 'recipe = "digits-compact"\n[random]\nsamples = 4\n[random.vary]\nbatch_size = [16, 32, 64]\n'
    with pytest.raises(RecipeError, match=r"no more than 3 different points were found to draw; ask for so many"):
        plan(study(tmp_path, text))


def test_the_command_line_cannot_fix_what_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="batch_size is what its runs differ in"):
        plan(study(tmp_path, DRAWN), changes={"batch_size": 8})


# What is in the runs' folders decides


def trained(path: Path, values: list[float], losses: list[float] | None = None) -> None:
    """Leave what a training of so many epochs leaves."""
    path.mkdir(parents=True, exist_ok=True)
    lines = []
    for epoch, (value, loss) in enumerate(zip(values, losses or [0.5] * len(values), strict=True), start=1):
        figures = {"loss": loss, "accuracy": value}
        row = {"epoch": epoch, "seconds": 1.0 * epoch, "images_per_second": 1.0, "learning_rate": 0.1}
        lines.append(json.dumps({**row, "train": figures, "validation": figures}) + "\n")
    (path / "metrics.jsonl").write_text("".join(lines))


def over(path: Path, run: PlannedRun, *, failed: str | None = None) -> RunResult:
    found = read_rows(path)[-1]
    finished = Finished(
        1, 1, found.epoch, found.epoch, 1.0, 1.0, found.train, found.validation, 100, "cpu", "fp32", 1, "a processor",
        {}, "accuracy",
    )  # fmt: skip
    return results.run_result(run, path, failed=failed, finished=None if failed else finished)


class Place:
    """A search over runs that are written by hand."""

    def __init__(self, folder: Path, text: str) -> None:
        found = study(folder, text)
        assert found.search is not None
        self.runs = {folder / "runs" / run.name: run for run in plan(found)}
        self.paths = list(self.runs)
        self.told: list[RunResult] = []
        self.asked, self.metric = found.search, searched_metric(found, found.search, list(self.runs.values()))

    def search(self, done: dict[Path, RunResult] | None = None) -> Searched:
        return Searched(self.asked, self.metric, self.runs, done or {}, self.told.append)


def test_each_run_is_trained_to_the_rung_and_those_that_go_on_to_the_next(tmp_path: Path) -> None:
    place = Place(tmp_path, SMALL + '[search]\nscheduler = "halving"\ngrace_epochs = 2\nreduction = 2\n')
    search, (low, middle, high) = place.search(), place.paths
    assert search.begin() == {low: 2, middle: 2, high: 2}
    assert search.begin() == {}  # they are under way
    for path, values in ((high, [0.2, 0.1]), (low, [0.5, 0.6])):
        trained(path, values)
        assert search.then(path, None) == {}
    trained(middle, [0.7, 0.1])  # the best of its epochs is what it would keep
    assert search.then(middle, None) == {middle: 6}
    assert {result.run: result.stopped.why for result in place.told if result.stopped} == {
        low: "rank 2 of 3, and 1 went on", high: "rank 3 of 3, and 1 went on"
    }  # fmt: skip
    assert place.search().begin() == {middle: 6}  # another command decides the same
    trained(middle, [0.7, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert place.search().begin() == {middle: 6}  # it has not written its outcome
    assert search.then(middle, over(middle, place.runs[middle])) == {}
    found = search.search()
    assert (found.best, found.epochs, found.epochs_of_all) == ("batch_size=32", 10, 18)
    assert [(row.stopped.epochs, row.stopped.best_epoch) for row in search.results().values() if row.stopped] == [
        (2, 2), (2, 1)
    ]  # fmt: skip


def test_one_that_ended_by_itself_before_a_rung_is_compared_by_what_it_kept(tmp_path: Path) -> None:
    place = Place(tmp_path, SMALL + '[search]\nscheduler = "halving"\ngrace_epochs = 4\n')
    for path, value in zip(place.paths, (0.5, 0.9, 0.1), strict=True):
        trained(path, [value] * 4)
    early = place.paths[1]
    trained(early, [0.9, 0.8])
    search = place.search({early: over(early, place.runs[early])})
    assert search.begin() == {}
    assert search.search().best == "batch_size=32"


def test_seeds_of_a_label_go_on_together_by_their_mean_and_stop_where_one_failed(tmp_path: Path) -> None:
    place = Place(tmp_path, "seeds = [0, 1]\n" + SMALL + '[search]\nscheduler = "halving"\ngrace_epochs = 2\n')
    search = place.search()
    assert len(search.begin()) == 6
    values = {"batch_size=16": (0.9, 0.2), "batch_size=32": (0.6, 0.6), "batch_size=64": (1.0, None)}
    for path, run in place.runs.items():
        value = values[run.label][run.seed]
        trained(path, [0.1] if value is None else [0.1, value])
        more = search.then(path, over(path, run, failed="diverged") if value is None else None)
    assert more == {path: 6 for path, run in place.runs.items() if run.label == "batch_size=32"}
    found = {path.name: result for path, result in search.results().items()}
    assert found["batch_size=64-seed1"].failed == "diverged"
    assert found["batch_size=64-seed0"].stopped.why == "another run of its label failed"
    assert found["batch_size=16-seed0"].stopped.why == "rank 2 of 3, and 1 went on"


def test_a_run_that_failed_after_a_rung_is_compared_there_as_any_other(tmp_path: Path) -> None:
    place = Place(tmp_path, SMALL + '[search]\nscheduler = "halving"\ngrace_epochs = 2\n')
    for path, value in zip(place.paths, (0.5, 0.9, 0.1), strict=True):
        trained(path, [value] * 3)
    best, worst = place.paths[1], place.paths[2]
    search = place.search({path: over(path, place.runs[path], failed="training diverged") for path in (best, worst)})
    assert search.begin() == {}
    found = search.results()
    assert found[best].failed == "training diverged"
    assert found[worst].stopped is not None  # the search would not have trained it so far
    assert search.search().best is None


@pytest.mark.parametrize(("metric", "best"), [("accuracy", "batch_size=16"), ("loss", "batch_size=64")])
def test_a_loss_is_the_better_the_lower_it_is(tmp_path: Path, metric: str, best: str) -> None:
    place = Place(tmp_path, SMALL + f'[search]\nscheduler = "asha"\ngrace_epochs = 6\nmetric = "{metric}"\n')
    for path, value, loss in zip(place.paths, (0.9, 0.5, 0.1), (0.9, 0.5, 0.1), strict=True):
        trained(path, [value] * 6, [loss] * 6)
    search = place.search({path: over(path, run) for path, run in place.runs.items()})
    assert search.search().best == best
    assert [place.value for place in search.search().rungs[-1].ranking] == sorted(
        (0.9, 0.5, 0.1), reverse=metric == "accuracy"
    )


def test_a_finished_run_without_its_figures_is_a_message(tmp_path: Path) -> None:
    place = Place(tmp_path, SMALL + '[search]\nscheduler = "asha"\n')
    path = place.paths[0]
    trained(path, [0.5] * 6)
    done = {path: over(path, place.runs[path])}
    (path / "metrics.jsonl").unlink()
    with pytest.raises(CheckpointError, match=r"metrics\.jsonl: is missing, and a search compares runs by it\. Delete"):
        place.search(done)


# Real runs


def untimed(found: object) -> object:
    if isinstance(found, dict):
        return {key: untimed(value) for key, value in found.items() if key not in TIMES}
    return [untimed(one) for one in found] if isinstance(found, list) else found


def record(folder: Path) -> object:
    return untimed(json.loads((folder / "study.json").read_text()))


def weights(run: Path) -> list[bytes]:
    return [(run / name).read_bytes() for name in ("best.safetensors", "last.safetensors")]


def starts(folder: Path) -> dict[str, int]:
    return {path.stem: len(path.read_text().splitlines()) for path in (folder / "starts").glob("*.txt")}


def call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edgecnn_cli.main", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, data_root: Path) -> StudyResult:
    """All runs to their end."""
    folder = tmp_path_factory.mktemp("whole")
    return run_study(study(folder, RATES), folder / "rates", jobs=2, root=data_root)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory, data_root: Path) -> StudyResult:
    """The same, and half of them go on after 1, 2 and 4 epochs."""
    folder = tmp_path_factory.mktemp("searched")
    return run_study(study(folder, RATES + SEARCH), folder / "rates", jobs=2, root=data_root)


@pytest.mark.slow
def test_runs_are_stopped_at_their_rung_and_the_best_goes_on_to_the_end(searched: StudyResult) -> None:
    assert searched.search is not None
    assert [rung.epoch for rung in searched.search.rungs] == [1, 2, 5]  # one alone goes on to the end
    assert [len(rung.ranking) for rung in searched.search.rungs] == [4, 2, 1]
    assert [run.label for run in searched.runs if run.finished] == [searched.search.best]
    absurd = next(run for run in searched.runs if run.label == "learning_rate=1e+06")
    assert "training diverged" in (absurd.failed or "")
    assert searched.search.rungs[0].ranking[-1].verdict == "failed"
    for run in searched.runs:
        epochs = [row.epoch for row in read_rows(run.run)] if run.failed is None else []
        if run.stopped:
            assert epochs == list(range(1, run.stopped.epochs + 1))
            assert (run.run / "state.pt").exists()
            assert not (run.run / "outcome.json").exists()
        if run.finished:
            assert epochs == list(range(1, EPOCHS + 1))
    trained = sum(len(read_rows(run.run)) for run in searched.runs if run.failed is None)
    assert searched.search.epochs == trained < searched.search.epochs_of_all == 4 * EPOCHS


@pytest.mark.slow
def test_what_is_trained_has_the_figures_and_bytes_of_the_whole_study(
    whole: StudyResult, searched: StudyResult
) -> None:
    for mine, theirs in zip(searched.runs, whole.runs, strict=True):
        assert mine.label == theirs.label
        if mine.finished and theirs.finished:
            assert weights(mine.run) == weights(theirs.run)
            assert mine.finished.validation == theirs.finished.validation
        if mine.failed is None:
            rows = read_rows(mine.run)
            assert [row.validation for row in rows] == [row.validation for row in read_rows(theirs.run)[: len(rows)]]


@pytest.mark.slow
def test_without_a_rung_before_the_end_it_is_the_plain_study_byte_for_byte(
    whole: StudyResult, tmp_path: Path, data_root: Path
) -> None:
    text = RATES + SEARCH.replace("grace_epochs = 1", f"grace_epochs = {EPOCHS}")
    found = run_study(study(tmp_path, text), tmp_path / "rates", jobs=2, root=data_root)
    assert record(found.folder) == record(whole.folder)
    for mine, theirs in zip(found.runs, whole.runs, strict=True):
        if mine.finished:
            assert weights(mine.run) == weights(theirs.run)
    assert starts(found.folder) == starts(whole.folder)
    assert found.search is not None
    assert {place.verdict for place in found.search.rungs[0].ranking} == {"finished", "failed"}


@pytest.mark.slow
@pytest.mark.parametrize("scheduler", ["halving", "asha"])
def test_what_is_there_already_decides_the_same_and_nothing_is_trained(
    whole: StudyResult, searched: StudyResult, tmp_path: Path, data_root: Path, scheduler: str
) -> None:
    """A whole study's folder has all that a search may ask for."""
    shutil.copytree(whole.folder, tmp_path / "rates")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "rates" / "runs").rglob("*")}
    found = run_study(study(tmp_path, RATES + SEARCH.replace("halving", scheduler)), tmp_path / "rates", root=data_root)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "rates" / "runs").rglob("*")} == before
    assert found.search is not None
    if scheduler == "halving":
        assert found.search == searched.search
        assert record(found.folder) == record(searched.folder)
    else:
        assert [rung.ranking[0].verdict for rung in found.search.rungs] == ["went on"] * 3 + ["finished"]
        assert found.runs[0].finished is not None  # the first one has nobody before it


@pytest.mark.slow
def test_given_again_it_trains_nothing_and_without_the_search_it_trains_the_rest(
    whole: StudyResult, searched: StudyResult, tmp_path: Path, data_root: Path
) -> None:
    copy = tmp_path / "rates"
    shutil.copytree(searched.folder, copy)
    seen: list[str] = []
    again = run_study(
        study(tmp_path, RATES + SEARCH), copy, root=data_root,
        on_progress=lambda name, progress: seen.append(name), on_run=lambda result: seen.append(result.label),
    )  # fmt: skip
    assert seen == [run.label for run in searched.runs]
    assert starts(copy) == starts(searched.folder)
    assert record(copy) == record(searched.folder)
    assert again.search == searched.search
    rest = run_study(study(tmp_path, RATES), copy, jobs=2, root=data_root)
    assert rest.search is None
    assert record(copy) == record(whole.folder)
    for mine, theirs in zip(rest.runs, whole.runs, strict=True):
        if mine.finished:
            assert weights(mine.run) == weights(theirs.run)


@pytest.mark.slow
def test_what_a_search_wrote_is_read_as_what_it_was_and_every_form_says_it(searched: StudyResult) -> None:
    assert results.read(searched.folder) == searched
    assert searched.search is not None
    page = (searched.folder / "study.md").read_text()
    assert "Search (halving): compared by accuracy after 1, 2 of 5 epochs, about one of 2 went on" in page
    assert f"{searched.search.epochs} of 20 epochs were needed" in page
    with (searched.folder / "study.csv").open() as file:
        rows = list(csv.DictReader(file))
    for run, row in zip(searched.runs, rows, strict=True):
        assert row["stopped"] == (run.stopped.why if run.stopped else "")
        if run.stopped:
            assert float(row["validation_accuracy"]) == run.stopped.score
    columns, cells = ladder(searched.search)
    assert columns[0] == "run"
    assert (cells[0][0], cells[0][-1]) == (searched.search.best, "best")
    assert {row[0] for row in cells} == {run.label for run in searched.runs}
    assert cells[-1][1] == "failed"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_the_command_is_stopped_and_continued_and_says_what_it_did(
    searched: StudyResult, tmp_path: Path, data_root: Path
) -> None:
    study(tmp_path, RATES + SEARCH)
    arguments = ("study", "rates.toml", "--jobs", "2", "--data-root", str(data_root))
    runs = tmp_path / "studies" / "rates" / "runs"
    said = interrupted(*arguments, cwd=tmp_path, begun=lambda: len(list(runs.glob("*/metrics.jsonl"))) > 2)
    assert re.search(r"stopped with \d of 4 runs finished.*; the others have saved their state", said)
    told = call(tmp_path, *arguments)
    assert (told.returncode, told.stderr) == (1, "")  # the absurd rate diverges
    assert "accuracy % and rank after so many epochs" in told.stdout
    assert "stopped: rank 4 of 4" not in told.stdout  # that one failed
    assert re.search(r"learning_rate=\S+ .* stopped: rank 3 of 4, and 2 went on", told.stdout)
    assert record(runs.parent) == record(searched.folder)
    for run in runs.iterdir():
        if (run / "metrics.jsonl").exists():
            epochs = [row.epoch for row in read_rows(run)]
            assert epochs == list(range(1, len(epochs) + 1))
    as_json = call(tmp_path, *arguments, "--json")
    assert json.loads(as_json.stdout)["search"] == json.loads((searched.folder / "study.json").read_text())["search"]


@pytest.mark.slow
def test_misuse_leaves_with_2(tmp_path: Path, data_root: Path) -> None:
    study(tmp_path, RATES + SEARCH.replace("grace_epochs = 1", "grace_epochs = 9"))
    told = call(tmp_path, "study", "rates.toml", "--data-root", str(data_root))
    assert told.returncode == 2
    assert "error: study rates: search.grace_epochs is 9, and its runs have only 5 epochs" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ray_searches_to_the_same_bytes(searched: StudyResult, tmp_path: Path, data_root: Path) -> None:
    study(tmp_path, RATES + SEARCH)
    told = call(tmp_path, "study", "rates.toml", "--on", "ray", "--jobs", "2", "--data-root", str(data_root))
    assert (told.returncode, told.stderr) == (1, "")
    folder = tmp_path / "studies" / "rates"
    assert record(folder) == record(searched.folder)
    assert results.read(folder).search == searched.search
    for run in searched.runs:
        if run.failed is None:
            assert weights(folder / "runs" / run.run.name) == weights(run.run)
    assert starts(folder) == starts(searched.folder)
