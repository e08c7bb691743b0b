"""Labels, names of files and names of classes come from strangers: what shows them gets them made harmless."""

import csv
import io
import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from edgecnn_cli import console
from edgecnn_cli.main import main
from PIL import Image

import edgecnn
from edgecnn import text
from edgecnn.card import ModelCard
from edgecnn.embed import embed
from edgecnn.errors import DataError
from edgecnn.report.model_card import pages
from edgecnn.study.results import LabelResult, RunResult, StudyResult, write

EVIL = "\x1b]0;owned\x07\u202e<script>alert(1)</script>|`$x$"
Command = Callable[..., tuple[str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the command line in this process; returns both outputs."""

    def run(*arguments: object) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["edgecnn", *map(str, arguments)])
        with pytest.raises(SystemExit):
            main()
        return capsys.readouterr()

    return run


@pytest.fixture
def evil_model(with_card) -> Path:
    return with_card(lambda document: document.update(labels=[f"{EVIL}{n}" for n in range(10)], name=EVIL))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "=cmd()\x1b[2J.png"
    Image.new("L", (28, 28)).save(path)
    return path


def _harmless(shown: str) -> bool:
    return not any(letter in shown for letter in "\x1b\x07\x9b\u202e")


@pytest.mark.parametrize("options", [(), ("--json",), ("--csv",), ("--top-k", 10)])
def test_predict_says_nothing_that_a_terminal_obeys(command: Command, evil_model: Path, picture: Path, options) -> None:
    out, err = command("predict", evil_model, picture, *options)
    assert "owned" in out
    assert _harmless(out)
    assert _harmless(err)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_inspect_says_nothing_that_a_terminal_obeys(command: Command, evil_model: Path, options) -> None:
    out, _ = command("inspect", evil_model, *options)
    assert "owned" in out
    assert _harmless(out)


def test_json_has_the_very_names(command: Command, evil_model: Path, picture: Path) -> None:
    answer = json.loads(command("predict", evil_model, picture, "--json")[0])["images"][0]
    assert answer["path"] == str(picture)
    assert answer["top"][0]["label"].startswith(EVIL)


def test_csv_has_no_formula(command: Command, with_card, picture: Path, monkeypatch) -> None:
    model = with_card(lambda document: document.update(labels=[f"=HYPERLINK({n})" for n in range(10)]))
    monkeypatch.chdir(picture.parent)
    out, _ = command("predict", model, picture.name, "--csv")
    row = next(csv.DictReader(io.StringIO(out)))
    assert (row["path"], row["label"][:12]) == ("'=cmd()\\x1b[2J.png", "'=HYPERLINK(")


@pytest.mark.parametrize("show", [console.say, console.tell, console.warn])
def test_a_line_is_harmless(capsys, monkeypatch, show: Callable[[str], None]) -> None:
    monkeypatch.setattr(console.out(), "_file", None)
    show(EVIL)
    captured = capsys.readouterr()
    assert "owned" in captured.out + captured.err
    assert _harmless(captured.out + captured.err)


def test_an_error_is_harmless_and_short() -> None:
    message = str(DataError(f"{EVIL * 10_000}: no such class."))
    assert _harmless(message)
    assert len(message) < 10_000
    assert message.endswith(": no such class.")


def _card(content: bytes) -> ModelCard:
    card = edgecnn.load(content).card
    evil = replace(card.dataset, name=EVIL)
    return replace(card, labels=[f"{EVIL}{n}" for n in range(10)], name=EVIL, network=EVIL, dataset=evil)


def test_a_page_of_the_zoo_has_no_markup_of_a_card(content: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "evil"
    folder.mkdir()
    (folder / "fp32.onnx").write_bytes(content)
    card = replace(_card(content), recipe={"name": EVIL, "description": f"{EVIL}\n```\n# owned"})
    (folder / "fp32.card.json").write_text(card.to_json(), encoding="utf-8")
    for page in pages(tmp_path).values():
        outside = re.sub("(`{3,}).*?\\n\\1|`[^`\n]*`", "", page, flags=re.DOTALL)  # in code nothing is markup
        assert _harmless(page)
        assert "<script>" not in outside.replace("\\<", "")
        assert "\n# owned" not in page


def test_a_project_has_no_markup_of_a_card(evil_model: Path, tmp_path: Path) -> None:
    embed(evil_model, "python", tmp_path / "project")
    readme = (tmp_path / "project" / "README.md").read_text(encoding="utf-8")
    assert "owned" in readme
    assert _harmless(readme)
    assert "<script>" not in readme.replace("\\<", "")


def test_a_study_is_written_without_formulas_and_markup(tmp_path: Path) -> None:
    run = RunResult(f"={EVIL}", 0, {}, None, "test", tmp_path / "run", f"failed {EVIL}", None)
    label = LabelResult(f"={EVIL}", 0, "accuracy", None, None, None, "test")
    write(StudyResult("study", "full", EVIL, "", {}, {}, tmp_path, [run], [label]))
    rows = list(csv.DictReader(io.StringIO((tmp_path / "study.csv").read_text(encoding="utf-8"))))
    assert rows[0]["label"].startswith("'=")
    page = (tmp_path / "study.md").read_text(encoding="utf-8")
    assert _harmless(page)
    assert "<script>" not in page.replace("\\<", "")


def test_a_label_between_dollars_is_no_formula_of_a_picture() -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    figure.suptitle(text.picture_text(r"$\frac{$"))
    figure.savefig(io.BytesIO())


def test_what_is_harmless_stays_as_it_is() -> None:
    for name in ("T-shirt/top", "größer 5 €", "数字", "aquarium_fish", "👩‍🔬"):
        assert text.printable(name) == text.markdown(name) == text.picture_text(name) == name
        assert text.csv_text([name]) == [name]
