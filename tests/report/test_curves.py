"""Learning curves of a run as a picture."""

import shutil
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

from edgecnn.recipes.read import read
from edgecnn.report.curves import draw_curves, draw_panel
from edgecnn.train import EpochRow
from edgecnn.train.run_folder import read_rows


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    """A folder with the metrics of a finished run."""
    shutil.copy(run / "metrics.jsonl", tmp_path)
    return tmp_path


def lines_of(rows: list[EpochRow], panel: str) -> dict:
    axes = Figure().subplots()
    draw_panel(axes, rows, panel)
    return {line.get_label(): line for line in axes.get_lines()}


def test_rows_are_those_of_the_run(copy: Path, run: Path) -> None:
    epochs = [row.epoch for row in read_rows(copy)]
    assert epochs == list(range(1, read(str(run / "recipe.toml")).epochs + 1))


def test_picture_is_a_png_beside_the_metrics(copy: Path) -> None:
    target = draw_curves(copy)
    assert target == copy / "curves.png"
    with Image.open(target) as picture:
        picture.load()
        assert (picture.format, picture.size) == ("PNG", (1209, 748))


def test_picture_is_not_blank(copy: Path) -> None:
    with Image.open(draw_curves(copy)) as picture:
        assert len(picture.convert("RGB").getcolors(10**6)) > 50


def test_nothing_else_is_left(copy: Path) -> None:
    draw_curves(copy)
    assert sorted(path.name for path in copy.iterdir()) == ["curves.png", "metrics.jsonl"]


def test_run_of_one_epoch_is_drawn(copy: Path) -> None:
    metrics = copy / "metrics.jsonl"
    metrics.write_text(metrics.read_text().splitlines()[0] + "\n")
    assert draw_curves(copy).stat().st_size > 1000


def test_single_epoch_is_visible_as_a_point(copy: Path) -> None:
    assert lines_of(read_rows(copy)[:1], "loss")["validation"].get_marker() == "o"


@pytest.mark.parametrize("panel", ["loss", "accuracy", "precision", "recall", "f1"])
def test_panel_shows_both_splits(copy: Path, panel: str) -> None:
    rows = read_rows(copy)
    lines = lines_of(rows, panel)
    for split in ("train", "validation"):
        assert list(lines[split].get_xdata()) == [row.epoch for row in rows]
        assert list(lines[split].get_ydata()) == [getattr(row, split)[panel] for row in rows]


def test_best_epoch_is_marked(copy: Path) -> None:
    rows = read_rows(copy)
    best = max(rows, key=lambda row: (row.validation["accuracy"], -row.validation["loss"]))
    assert list(lines_of(rows, "loss")["best epoch"].get_xdata()) == [best.epoch] * 2
