"""Every task keeps the whole contract, through files and through the command; a third one is one module more."""

import csv
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from preloaded import serving

import edgecnn
from edgecnn import documents, metrics
from edgecnn.card import ModelCard
from edgecnn.registry import TASKS
from edgecnn.tasks import classification, detection
from edgecnn.tasks._task import Task

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = ROOT / "tests" / "plugins" / "regression.py"
OWN: dict[str, Task] = {"classification": classification, "detection": detection}  # mypy holds them to the Protocol

RECIPES = {
    "classification": 'extends = "digits-compact"\nepochs = 2\n',
    "detection": 'extends = "digit-finder"\nepochs = 1\nbatch_size = 8\n[network.parameters]\nwidths = [4, 4, 8, 8]\n'
    "depth = [1, 1]\n",
    "regression": 'extends = "digits-compact"\ntask = "regression"\nepochs = 12\n[augment]\n',
}
METRICS = {"classification": "accuracy", "detection": "f1", "regression": "r2"}
FIRST_LAYER_FALSE = 0.6  # what an untrained regressor does not reach


@dataclass(frozen=True)
class Made:
    """What the commands made of one task, in a copy of the package that has the plug-in; nothing else is changed."""

    task: str
    folder: Path
    command: Path

    def call(self, *arguments: str, code: tuple[int, ...] = (0,)) -> str:
        """Run a command, and return what it prints."""
        done = subprocess.run(
            [self.command, *arguments],
            cwd=self.folder,
            env=environment(self.folder),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in code, done.stderr
        return done.stdout

    def json(self, *arguments: str, code: tuple[int, ...] = (0,)) -> dict:
        """Run a command with --json."""
        return json.loads(self.call(*arguments, "--json", code=code))

    @property
    def card(self) -> ModelCard:
        """The card of the exported file."""
        return edgecnn.read_card(self.folder / "model.onnx")


def environment(folder: Path) -> dict[str, str]:
    """Return what leads to the copy of the package in a folder, and to its data."""
    own = {
        "PYTHONPATH": str(folder),
        "EDGECNN_DATA": str(folder / "data"),
        "EDGECNN_MODELS": str(folder / "none"),
        "COLUMNS": "160",
    }
    return os.environ | own


def test_the_tasks_are_these() -> None:
    assert TASKS.names() == tuple(OWN) == ("classification", "detection")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with one module more: the plug-in."""
    folder = tmp_path_factory.mktemp("tasks")
    shutil.copytree(ROOT / "edgecnn", folder / "edgecnn", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PLUGIN, folder / "edgecnn" / "tasks")
    pages(folder / "data" / "digit-pages")
    return folder


def pages(folder: Path) -> None:
    """Write a few pages with light squares for digits, as rendered ones lie in a data root."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for part, count in (("train", 48), ("test", 24)):
        images = np.full((count, 160, 160), 30, np.uint8)
        boxes = np.zeros((count, 2, 4), np.float32)
        for page in range(count):
            for thing, (x, y) in enumerate(rng.integers(8, 120, (2, 2))):
                boxes[page, thing] = (x, y, 20, 28)
                images[page, y : y + 28, x : x + 20] = 220
        nothing = np.zeros((count, 2), bool)
        np.savez(
            folder / f"{part}.npz", images=images, boxes=boxes, labels=np.full((count, 2), 3, np.int8), ignored=nothing
        )


@pytest.fixture(scope="module")
def command(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The command of that copy."""
    with serving(tmp_path_factory.mktemp("command"), environment(package)) as folder:
        yield folder / "edgecnn"


@pytest.fixture(scope="module", params=list(RECIPES))
def made(
    request: pytest.FixtureRequest, package: Path, command: Path, tmp_path_factory: pytest.TempPathFactory
) -> Made:
    """A run, exported, of each task."""
    task = request.param
    folder = tmp_path_factory.mktemp(task)
    for name in ("edgecnn", "data"):
        (folder / name).symlink_to(package / name)
    (folder / "own.toml").write_text(RECIPES[task], encoding="utf-8")
    found = Made(task, folder, command)
    found.call("train", "own.toml", "-o", "run")
    found.call("export", "run", "-o", "model.onnx")
    return found


pytestmark = pytest.mark.slow


def test_training_follows_the_metric_of_the_task(made: Made) -> None:
    rows = [json.loads(line) for line in (made.folder / "run" / "metrics.jsonl").read_text().splitlines()]
    for row in rows:
        assert list(row["validation"])[:2] == ["loss", METRICS[made.task]]
    outcome = json.loads((made.folder / "run" / "outcome.json").read_text())
    best = max(rows, key=lambda row: (row["validation"][METRICS[made.task]], -row["validation"]["loss"]))
    assert outcome["best"]["epoch"] == best["epoch"]
    assert (made.folder / "run" / "curves.png").exists()


def test_the_card_says_the_task_and_what_its_figures_are(made: Made) -> None:
    card = made.card
    assert card.task == made.task
    assert {score.metric for score in card.metrics} == {METRICS[made.task]}
    assert ModelCard.from_json(card.to_json(), source="card").to_json() == card.to_json()
    assert set(card.golden.answers) == {
        "classification": {"probabilities"}, "detection": {"boxes", "scores"}, "regression": {"value"}
    }[made.task]  # fmt: skip


def test_a_study_calls_the_score_by_its_metric(made: Made) -> None:
    best = json.loads((made.folder / "run" / "outcome.json").read_text())["best"]
    metric = METRICS[made.task]
    (made.folder / "study.toml").write_text('[[run]]\nlabel = "one"\nrecipe = "own.toml"\n')
    shutil.copytree(made.folder / "run", made.folder / "study" / "runs" / "one-seed0")
    found = made.json("study", "study.toml", "-o", "study")
    assert found["runs"][0]["finished"]["validation"] == best["validation"]
    assert (found["labels"][0]["metric"], found["labels"][0]["mean"]) == (metric, best["validation"][metric])
    row = next(csv.DictReader((made.folder / "study" / "study.csv").read_text().splitlines()))
    assert float(row[f"validation_{metric}"]) == best["validation"][metric]
    shown = {"accuracy": ("train %", "accuracy %"), "f1": ("train F1", "F1"), "r2": ("train r2", "r2")}[metric]
    page = (made.folder / "study" / "study.md").read_text()
    assert f"| {' | '.join(shown)} |" in page
    assert f"Loss and {shown[1].removesuffix(' %')} are of the validation split" in page


def test_a_file_is_opened_as_what_it_is(made: Made) -> None:
    if made.task not in OWN:
        pytest.skip("the plug-in lies in the copy of the package, not here")
    from edgecnn.runtime.load import load_model

    model = load_model(made.folder / "model.onnx", threads=1)
    assert (model.TASK, model.card.task, model.provider, model.threads) == (made.task, made.task, "cpu", 1)
    assert model.running_provider == "CPUExecutionProvider"
    assert list(model.labels) == made.card.labels
    assert model.name.endswith("model.onnx")
    answers = model.answers(made.card.golden.images_nhwc[:1])
    assert {name: found.shape[1:] for name, found in answers.items()} == {
        name: expected.shape[1:] for name, expected in made.card.golden.answers.items()
    }


def test_a_file_tests_itself(made: Made) -> None:
    assert made.json("selftest", "model.onnx")["passed"]


def test_a_file_is_shown_in_parts(made: Made) -> None:
    found = made.json("inspect", "model.onnx")
    assert found["parameters"] == made.card.parameters > 0
    assert f"{METRICS[made.task]}".lower() in made.call("inspect", "model.onnx").lower()


def test_quantize_measures_the_forms_by_the_metric(made: Made) -> None:
    found = made.json(
        "quantize", "model.onnx", "-o", "int8.onnx", "--method", "static", "--max-drop-pp", "100", "--seconds", "0.02"
    )
    assert found["metric"] == METRICS[made.task]
    assert found["output_form"] == found["candidates"][0]["form"] == "int8-static"
    assert edgecnn.read_card(made.folder / "int8.onnx").quantization.measured is not None
    compared = made.json("verify", "model.onnx", "int8.onnx", "--max-drop-pp", "100")
    assert compared["passed"]
    assert compared["drop_pp_ci95"][0] <= compared["drop_pp"] <= compared["drop_pp_ci95"][1]


def test_a_file_compared_with_itself_drops_by_nothing(made: Made) -> None:
    compared = made.json("verify", "model.onnx", "model.onnx", "--max-drop-pp", "100")
    assert compared["drop_pp"] == 0
    shown = made.call("verify", "model.onnx", "model.onnx", "--max-drop-pp", "100")
    assert "drops by 0.00 points" in shown


def test_evaluate_has_the_figure_that_verify_has(made: Made) -> None:
    evaluated = made.json("evaluate", "model.onnx")
    scores = evaluated.get("scores", evaluated)
    value = scores.get(METRICS[made.task], scores.get("score"))
    compared = made.json("verify", "model.onnx", "model.onnx", "--max-drop-pp", "100")
    assert compared.get("reference_score", compared.get("reference", {}).get(METRICS[made.task])) == value


def test_bench_times_it(made: Made) -> None:
    report = made.json("bench", "model.onnx", "--batch", "1", "--seconds", "0.02")
    timing = report["contenders"][0]
    assert timing["provider"] == "CPUExecutionProvider"
    assert timing["p50_ms"] > 0


def test_a_report_says_how_good_it_is(made: Made) -> None:
    found = made.json("report", "model.onnx", "-o", "report.html", "--seconds", "0")
    drawn = {figure["name"]: figure for figure in found["figures"]}
    assert [name for name, figure in drawn.items() if figure["failed"]] == []
    assert drawn["card"]["files"] == ["card.csv"]
    assert ("confusion" in drawn) == (made.task == "classification")
    measured = made.json("evaluate", "model.onnx")
    value = measured.get("score", measured.get("scores", {}).get(METRICS[made.task]))
    shown = metrics.digits(METRICS[made.task], value)
    assert f"<strong>{shown}</strong>" in (made.folder / "report.html").read_text(encoding="utf-8")


def test_the_plugin_learned_what_it_was_for(made: Made) -> None:
    if made.task != "regression":
        pytest.skip("of the plug-in")
    assert made.card.score("validation").value > FIRST_LAYER_FALSE
    documents.encode(made.card)
