"""The report as a command: what it prints, and how it ends."""

from pathlib import Path

import pytest

from edgecnn.registry import FIGURES

QUICK = ("--only", "card", "--only", "samples", "--seconds", 0)


@pytest.fixture
def reported(edgecnn, model: Path, data_root: Path, tmp_path: Path):
    """Make a report of two figures, with further options."""
    return lambda *more: edgecnn("report", model, "-o", tmp_path / "a.html", "--data-root", data_root, *QUICK, *more)


def test_it_says_the_verdict_and_where_everything_lies(reported, tmp_path: Path) -> None:
    found = reported()
    assert found.code == 0
    assert "ship it? With care: nothing speaks against it" in found.out
    assert f"{tmp_path / 'a.html'}: 2 figures" in found.out
    assert {path.name for path in tmp_path.iterdir()} == {"a.html", "a_files"}


def test_a_figure_that_fails_is_a_warning_and_an_exit_code(reported, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FIGURES.module("samples"), "draw", lambda subject: 1 / 0)
    found = reported()
    assert found.code == 1
    assert "warning: Ten images could not be drawn: ZeroDivisionError: division by zero" in found.err
    assert "a.html: 1 figure," in found.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mnist-c2",), "no file and no model of the zoo named 'mnist-c2'"),
        (("mnist-c1", "--only", "confusoin"), "Did you mean 'confusion'?"),
        (("mnist-c1", "-o", "a.pdf"), "a report ends in .html"),
    ],
)
def test_misuse_leaves_nothing(
    edgecnn, arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = edgecnn("report", *arguments)
    assert (found.code, message in found.err) == (2, True)
    assert list(tmp_path.iterdir()) == []
