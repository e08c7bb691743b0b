"""Models ranked: who is on the front, what is written, and that the figures are those of the other commands."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

import edgecnn
from edgecnn import documents
from edgecnn.errors import EdgecnnError
from edgecnn.report import pareto, ranking, style
from edgecnn.report.leaderboard import KINDS, Leaderboard
from edgecnn.report.ranking import Row, ranked
from edgecnn.verify import evaluate

few = st.integers(1, 4)
rows = st.lists(
    st.builds(
        lambda score, size, latency, wide: Row(
            "m", "fp32", score / 4, (score / 4 - wide / 8, score / 4 + wide / 8), size, latency, 1
        ),
        few, few, few.map(float), few,
    ),
    min_size=1,
)  # fmt: skip


def board(*found: Row) -> ranking.Board:
    return ranked("digits", "test", "accuracy", 100, found)


def row(name: str, score: float, size: int = 1, latency: float | None = 1.0) -> Row:
    return Row(name, "fp32", score, None, size, latency, 7)


def beats(one: Row, other: Row) -> bool:
    ours, theirs = ((r.score, -r.size_bytes, -(r.latency_ms or 0)) for r in (one, other))
    return ours != theirs and all(own >= its for own, its in zip(ours, theirs, strict=True))


@given(rows)
def test_on_the_front_are_those_that_nothing_beats(found: list[Row]) -> None:
    judged = board(*found).rows
    assert len(judged) == len(found)
    front = [one for one in judged if one.front]
    for one in judged:
        assert one.front == (not any(beats(other, one) for other in judged))
        assert one.front or any(beats(other, one) for other in front)
    assert [one.score for one in judged] == sorted((one.score for one in judged), reverse=True)


@given(rows)
def test_what_reaches_the_best_has_it_within_its_interval(found: list[Row]) -> None:
    best = max(one.score for one in found)
    for one in board(*found).rows:
        assert one.reaches_best == (one.interval[1] >= best)


def test_ties_are_all_on_the_front() -> None:
    assert [one.front for one in board(row("a", 0.5), row("b", 0.5), row("c", 0.5, size=2)).rows] == [True, True, False]


def test_a_latency_that_nobody_measured_beats_nothing_and_saves_nothing() -> None:
    found = {one.model: one.front for one in board(row("a", 0.9, latency=None), row("b", 0.9), row("c", 0.8)).rows}
    assert found == {"a": True, "b": True, "c": False}
    assert ranking.cells(board(row("a", 0.9, latency=None)), row("a", 0.9, latency=None))[4] == "-"


def test_names_that_others_chose_are_text(tmp_path: Path) -> None:
    found = board(row("a|b <i>$x$", 0.5), row("=1+1", 0.25))
    assert r"a\|b \<i\>" in ranking.as_markdown(found)
    lines = list(csv.reader(ranking.as_csv([found]).splitlines()))
    assert [line[4] for line in lines[1:]] == ["a|b <i>$x$", "'=1+1"]
    with style.style():
        style.png(pareto.draw(found))


@pytest.mark.parametrize("count", [1, 2, 40])
@pytest.mark.parametrize("timed", [True, False])
def test_a_picture_names_models_and_has_a_panel_for_what_was_measured(count: int, timed: bool) -> None:
    found = board(*(row(f"m{n}", 0.5 + n / 100, 10 + n, float(n + 1) if timed else None) for n in range(count)))
    with style.style():
        picture = pareto.draw(found, marked="m0")
        style.plain_svg(picture)
    assert isinstance(picture, Figure)
    assert len(picture.axes) == 1 + timed
    (legend,) = picture.legends
    assert "beaten by another" not in {text.get_text() for text in legend.get_texts()}
    for axes in picture.axes:
        assert {text.get_text() for text in axes.texts if text.get_fontweight() == "bold"} == {"m0"}
        assert {text.get_text() for text in axes.texts} == {f"m{n}" for n in range(count)}, "all are on this front"


@pytest.mark.parametrize("interval", [None, (0.5, 0.7)])
def test_a_model_alone_is_drawn_without_a_warning(interval: tuple[float, float] | None) -> None:
    with style.style():
        style.png(pareto.draw(board(Row("m", "fp32", 0.6, interval, 45_765, 0.066, 7))))


def test_those_on_the_front_are_filled_and_the_picture_says_so() -> None:
    with style.style():
        picture = pareto.draw(board(row("a", 0.9), row("b", 0.8, size=2)))
    (legend,) = picture.legends
    assert {"front", "beaten by another"} <= {text.get_text() for text in legend.get_texts()}
    for axes in picture.axes:
        points = {line.get_ydata()[0]: line.get_markerfacecolor() for line in axes.lines if line.get_marker() == "o"}
        assert (points[90], points[80]) == (style.MODEL, "none")


def test_what_others_published_is_square_what_was_before_is_gray_and_the_picture_says_so() -> None:
    others = pareto.Others(published={"b"}, before={"c"})
    with style.style():
        picture = pareto.draw(board(row("a", 0.9), row("b", 0.8, size=2), row("c", 0.7, size=3)), others=others)
    (legend,) = picture.legends
    assert {"published by others", "before"} <= {text.get_text() for text in legend.get_texts()}
    for axes in picture.axes:
        points = {line.get_ydata()[0]: line for line in axes.lines if line.get_marker() in ("o", "s")}
        assert [points[score].get_marker() for score in (90, 80, 70)] == ["o", "s", "o"]
        assert [points[score].get_color() for score in (90, 70)] == [style.MODEL, style.MUTED]


@pytest.fixture(scope="module")
def made(model: Path, static_model: Path, run: Path, data_root: Path, tmp_path_factory) -> Leaderboard:
    """A run, its file and a quantized one, with everything that is written."""
    folder = tmp_path_factory.mktemp("board") / "new"
    return edgecnn.leaderboard([run, model, static_model], folder, root=data_root, seconds=0.05)


def test_its_figures_are_those_of_evaluate(made: Leaderboard, static_model: Path, data_root: Path) -> None:
    (only,) = made.boards
    (own,) = (one for one in only.rows if one.model == str(static_model))
    found = evaluate(static_model, root=data_root)
    assert (own.score, own.interval) == (found.score, found.accuracy_ci95)
    assert (only.dataset, only.images, only.metric) == ("digits", found.images, "accuracy")
    assert own.size_bytes == static_model.stat().st_size
    assert own.latency_ms > 0


def test_a_run_is_ranked_as_the_file_that_it_becomes(made: Leaderboard, run: Path, model: Path) -> None:
    scores = {one.model: (one.form, one.score, one.parameters) for one in made.boards[0].rows}
    assert scores[str(run)] == scores[str(model)]


def test_it_is_written_as_markdown_csv_a_page_and_a_picture(made: Leaderboard, static_model: Path) -> None:
    assert {path.suffix for path in made.files} == set(KINDS)
    for path in made.files:
        assert path.stat().st_size > 100
    texts = {path.suffix: path.read_text(encoding="utf-8") for path in made.files if path.suffix != ".png"}
    assert static_model.name in texts[".md"]
    assert texts[".html"].count("<img src=") == 1
    assert "http" not in texts[".html"].replace("http-equiv", "")
    assert len(list(csv.DictReader(texts[".csv"].splitlines()))) == 3
    assert documents.from_json(Leaderboard, documents.to_json(made), "it") == made


def test_it_is_written_again_over_what_was_there(made: Leaderboard, model: Path, data_root: Path) -> None:
    folder = made.files[0].parent
    kept = folder / "notes.txt"
    kept.write_text("mine")
    edgecnn.leaderboard([model], folder, root=data_root, seconds=0.05)
    assert kept.read_text() == "mine"
    assert "static" not in (folder / "leaderboard.csv").read_text()


def test_misuse_is_told(model: Path, data_root: Path, tmp_path: Path) -> None:
    with pytest.raises(EdgecnnError, match=r"is named twice\. Name each model once\."):
        edgecnn.leaderboard([model, model], root=data_root)
    (tmp_path / "file").touch()
    with pytest.raises(EdgecnnError, match="is a file; the leaderboard is written into a folder"):
        edgecnn.leaderboard([model], tmp_path / "file", root=data_root)
    with pytest.raises(EdgecnnError, match=r"board.html: is the name of a file; .*-o board$"):
        edgecnn.leaderboard([model], "board.html", root=data_root)
