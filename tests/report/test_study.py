"""The picture of a study: every run a curve, every label a point, what is stated beside it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

from edgecnn.report import study
from edgecnn.study import results
from edgecnn.study.results import Finished, RunResult, StudyResult
from edgecnn.study.searched import Stopped

MEANT = (0.982, 0.99, 0.994)


def row(epoch: int, value: float, metric: str) -> str:
    figures = {"loss": 1 - value, metric: value, "precision": 1.0, "recall": 1.0}
    whole = {"epoch": epoch, "seconds": 1.0, "images_per_second": 1.0, "learning_rate": 0.1}
    return json.dumps({**whole, "train": figures, "validation": figures})


def result(
    folder: Path,
    key: str,
    values: list[object],
    accuracies: tuple[float | None, ...] = MEANT,
    *,
    metric: str = "accuracy",
) -> StudyResult:
    """A study of three labels and two seeds; an accuracy that is None has diverged."""
    runs = []
    for value, accuracy in zip(values, accuracies, strict=True):
        for seed in (0, 1):
            run, reached = folder / "runs" / f"{value}-seed{seed}", (accuracy or 0.1) - 0.001 * seed
            run.mkdir(parents=True)
            (run / "metrics.jsonl").write_text(f"{row(1, reached - 0.05, metric)}\n{row(2, reached, metric)}\n")
            scores = {"loss": 0.1, metric: reached}
            found = Finished(1, 1, 2, 2, 1.0, 2.0, scores, scores, 5000, "cpu", "fp32", 1, "a processor", {}, metric)
            failed = "diverged" if accuracy is None else None
            runs.append(RunResult(str(value), seed, {key: value}, 99.1, "test", run, failed, None if failed else found))
    return StudyResult("own", "full", "Own", "", {}, {}, folder, runs, results.by_label(runs))


def panels(found: StudyResult, monkeypatch: pytest.MonkeyPatch) -> Figure:
    """Draw, and return what was drawn."""
    drawn: list[Figure] = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (drawn.append(self), save(self, *a, **k))[1])
    study.draw_study(found)
    return drawn[0]


def test_names_have_dots_with_a_hollow_marker_for_what_is_stated(tmp_path: Path, monkeypatch) -> None:
    curves, kept = panels(result(tmp_path, "optimizer.name", ["sgd", "adam", "asgd"]), monkeypatch).axes
    assert [text.get_text() for text in curves.get_legend().get_texts()] == ["sgd", "adam", "asgd"]
    assert len([line for line in curves.get_lines() if len(line.get_xdata()) == 2]) == 6
    assert [label.get_text() for label in kept.get_yticklabels()] == ["sgd", "adam", "asgd"]
    hollow = [line for line in kept.get_lines() if line.get_markerfacecolor() == "none"]
    filled = [line for line in kept.get_lines() if line.get_marker() == "o" and line not in hollow]
    assert (len(hollow), len(filled)) == (3, 3)
    assert "hollow: stated, on test" in kept.get_title()
    assert [text.get_text() for text in kept.texts] == ["98.15 ± 0.07", "98.95 ± 0.07", "99.35 ± 0.07"]


def test_one_setting_in_numbers_is_an_axis_with_zero_at_its_left(tmp_path: Path, monkeypatch) -> None:
    found = result(tmp_path, "regularization.weight_decay", [0.0, 1e-5, 1e-3])
    _, kept = panels(found, monkeypatch).axes
    assert (kept.get_xscale(), kept.get_xlabel()) == ("log", "regularization.weight_decay")
    assert [label.get_text() for label in kept.get_xticklabels()] == ["0", "1e-05", "0.001"]
    assert kept.get_xticks()[0] < 1e-5


def test_values_that_are_close_are_on_a_plain_axis(tmp_path: Path, monkeypatch) -> None:
    _, kept = panels(result(tmp_path, "epochs", [1, 2, 3]), monkeypatch).axes
    assert kept.get_xscale() == "linear"


def test_errors_far_apart_are_drawn_by_their_logarithm_and_labeled_as_accuracies(tmp_path: Path, monkeypatch) -> None:
    curves, _ = panels(result(tmp_path, "optimizer.name", ["a", "b", "c"], (0.11, 0.9, 0.994)), monkeypatch).axes
    ticks = dict(zip(curves.get_yticks(), (label.get_text() for label in curves.get_yticklabels()), strict=True))
    assert [round(100 * (1 - 10**-height), 6) for height in ticks] == [float(label) for label in ticks.values()]
    assert len(ticks) > 4
    assert list(ticks) == sorted(ticks)


def test_a_run_that_diverged_is_named_and_has_no_point(tmp_path: Path, monkeypatch) -> None:
    found = result(tmp_path, "optimizer.name", ["a", "b", "c"], (None, 0.98, 0.99))
    _, kept = panels(found, monkeypatch).axes
    assert next(text.get_text() for text in kept.texts) == "failed"


def test_a_run_that_a_search_stopped_is_called_so(tmp_path: Path, monkeypatch) -> None:
    found = result(tmp_path, "optimizer.name", ["a", "b", "c"], (None, 0.98, 0.99))
    scores = {"loss": 0.5, "accuracy": 0.1}
    stopped = Stopped("rank 3 of 3, and 1 went on", 1, 1, 1.0, scores, scores, "accuracy")
    runs = [replace(run, failed=None, stopped=stopped) if run.failed else run for run in found.runs]
    curves, kept = panels(replace(found, runs=runs), monkeypatch).axes
    assert next(text.get_text() for text in kept.texts) == "stopped"
    assert len([line for line in curves.get_lines() if len(line.get_xdata()) == 2]) == 6  # its curve is drawn as well


def test_f1_is_called_f1_and_is_no_percentage(tmp_path: Path, monkeypatch) -> None:
    found = result(tmp_path, "epochs", [1, 2, 3], (0.11, 0.9, 0.994), metric="f1")
    curves, kept = panels(found, monkeypatch).axes
    assert curves.get_ylabel() == kept.get_ylabel() == "validation F1"
    ticks = dict(zip(curves.get_yticks(), (label.get_text() for label in curves.get_yticklabels()), strict=True))
    assert [round(1 - 10**-height, 6) for height in ticks] == [float(label) for label in ticks.values()]


def test_a_study_of_which_all_failed_is_drawn(tmp_path: Path) -> None:
    found = result(tmp_path, "optimizer.learning_rate", [1e3, 1e4, 1e5], (None, None, None))
    with Image.open(study.draw_study(found)) as picture:
        picture.load()
