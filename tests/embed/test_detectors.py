"""The projects of a detector, run: each detects what its model does, and its self-test fails where it has to."""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from embed.test_projects import node_modules, run, tool, verdict_of  # noqa: F401 - a fixture

from edgecnn.card import ModelCard
from edgecnn.embed import embed, targets
from edgecnn.errors import EmbedError
from edgecnn.runtime.detector import load_detector

MODEL = "digit-finder"
CARD = load_detector(MODEL).card
COUNT = len(CARD.golden.answers["scores"])
PASSED = re.compile(rf"passed: {COUNT} detections of {COUNT}, the same, largest log-score gap \S+ \(allowed \S+\), ")


@pytest.fixture(params=["python", pytest.param("browser", marks=pytest.mark.slow)])
def target(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def app(target: str, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A project, ready to be run."""
    folder = embed(MODEL, target, tmp_path / "app").folder
    if target == "browser":
        (folder / "node_modules").symlink_to(request.getfixturevalue("node_modules"))
        assert run(tool("node"), "runtime.js", cwd=folder).returncode == 0
    return folder


def call(target: str, program: str, *arguments: str, app: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, f"{program}.py"] if target == "python" else [tool("node"), f"{program}.js"]
    return run(*command, *arguments, cwd=app)


def far(answers: dict[str, np.ndarray]) -> None:
    answers["boxes"][4, 0] += 30


def fewer(answers: dict[str, np.ndarray]) -> None:
    answers.update({name: found[:-1] for name, found in answers.items()})


def weaker(answers: dict[str, np.ndarray]) -> None:
    answers["scores"][0] -= 0.2


def test_a_project_detects_what_its_model_does(target: str, app: Path) -> None:
    tested = call(target, "selftest", app=app)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert PASSED.match(tested.stdout)

    detector = load_detector(MODEL)
    frame_hw = np.ascontiguousarray(np.tile(detector.card.golden.images_nhwc[0, ..., 0], (1, 2))[20:, :250])
    (app / "frame.pgm").write_bytes(b"P5\n250 140\n255\n" + frame_hw.tobytes())
    found = detector.detect(frame_hw)
    lines = call(target, "detect", "frame.pgm", app=app).stdout.splitlines()
    assert len(lines) == len(found) > 3
    for line, box, score in zip(lines, found.boxes_m4, found.scores_m, strict=True):
        told = re.fullmatch(r"frame\.pgm: digit  (\S+)%  (\S+)x(\S+) at (\S+), (\S+)", line)
        assert told is not None
        sure, width, height, x, y = map(float, told.groups())
        np.testing.assert_allclose((x, y, width, height), box, atol=0.5)
        assert abs(sure / 100 - score) < 0.02


@pytest.mark.parametrize("content", [b"P5\n28 28\n255\nabcd", b"P6\n1 1\n255\nabc", b"P5\n0 4\n255\n"])
def test_what_is_no_gray_picture_is_refused(target: str, app: Path, content: bytes) -> None:
    (app / "wrong.pgm").write_bytes(content)
    refused = call(target, "detect", "wrong.pgm", app=app)
    assert refused.returncode == 1
    assert "wrong.pgm: expected a binary PGM, 0..255, without comments" in refused.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (far, f"FAILED: {COUNT} detections of {COUNT}, others, "),
        (fewer, f"FAILED: {COUNT} detections of {COUNT - 1}, others, "),
        (weaker, f"FAILED: {COUNT} detections of {COUNT}, the same, "),
    ],
)
def test_a_selftest_notices_other_answers(
    target: str, app: Path, change: Callable[[dict[str, np.ndarray]], None], said: str
) -> None:
    _spoil(app / "card.json", change)
    tested = call(target, "selftest", app=app)
    assert tested.returncode == 1
    assert tested.stdout.startswith(said)


def test_a_changed_model_fails_its_selftest(target: str, app: Path, tmp_path: Path) -> None:
    """Other weights under the same card: those of the last layer, which give the confidence, halved."""
    import onnx

    model = onnx.load(app / "model.onnx")
    last = next(tensor for tensor in model.graph.initializer if list(tensor.dims) in ([5], [5, 24, 1, 1]))
    changed = onnx.numpy_helper.to_array(last) * np.float32(0.5)
    last.CopyFrom(onnx.numpy_helper.from_array(changed, last.name))
    onnx.save(model, app / "model.onnx")
    tested = call(target, "selftest", app=app)
    assert tested.returncode == 1, tested.stdout
    assert tested.stdout.startswith("FAILED: ")


@pytest.mark.slow
def test_the_page_detects_through_a_canvas_and_notices_when_it_does_not(
    node_modules: Path,  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    tool("chromium")
    page = embed(MODEL, "browser", tmp_path / "page").folder
    (page / "node_modules").symlink_to(node_modules)
    assert run(tool("node"), "runtime.js", cwd=page).returncode == 0
    whole = (page / "index.html").read_text()
    passed, canvases, verdict = verdict_of(page, tmp_path / "profile").split(" ", 2)
    assert (passed, canvases) == ("true", "1")
    assert PASSED.match(verdict)
    (page / "index.html").write_text(whole)
    _spoil(page / "card.json", weaker)
    said = f"false 1 FAILED: {COUNT} detections of {COUNT}, the same, "
    assert verdict_of(page, tmp_path / "profile").startswith(said)


def test_a_project_is_complete(target: str, app: Path) -> None:
    readme = (app / "README.md").read_text(encoding="utf-8")
    assert readme.startswith(f"# {MODEL} ({CARD.form}, ")
    assert "What it detects: digit." in readme
    names = {path.name for path in app.iterdir() if path.suffix in (".js", ".py", ".html", ".json", ".onnx")}
    assert [name for name in sorted(names - {"package.json"}) if name not in readme] == []
    assert not re.search(r"@[A-Z]+@", readme)


@pytest.mark.parametrize("name", [name for name in targets.names() if name not in ("python", "browser", "triton")])
def test_a_target_without_a_project_names_those_that_have_one(name: str, tmp_path: Path) -> None:
    with pytest.raises(
        EmbedError,
        match=rf"is for detection, and {name} has no project for that; there is one for browser, python, triton\.",
    ):
        embed(MODEL, name, tmp_path / "app")
    assert list(tmp_path.iterdir()) == []


def _spoil(path: Path, change: Callable[[dict[str, np.ndarray]], None]) -> None:
    """Write other answers into a card."""
    card = ModelCard.from_json(path.read_bytes(), source="card")
    answers = {name: found.copy() for name, found in card.golden.answers.items()}
    change(answers)
    path.write_text(replace(card, golden=replace(card.golden, answers=answers)).to_json(), encoding="utf-8")
