"""The path on a folder of one's own, by typing what each command prints as the next one."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

TINY = (
    "--epochs",
    2,
    "--set",
    "data.validation=0.2",
    "--batch-size",
    16,
    "--set",
    "network.parameters.filters=[4]",
    "--set",
    "precision=fp32",
)


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with pictures of two classes: bright at the left, bright at the right."""
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    for label, side in (("left", slice(0, 16)), ("right", slice(16, 32))):
        (tmp_path / "my pictures" / label).mkdir(parents=True)
        for number in range(60):
            image_hw = draw.integers(0, 100, (32, 32), dtype=np.uint8)
            image_hw[:, side] += 120
            Image.fromarray(image_hw).save(tmp_path / "my pictures" / label / f"{number}.png")
    return tmp_path


def _next(printed: str) -> list[str]:
    (line,) = (line for line in printed.splitlines() if line.startswith("next: edgecnn "))
    return shlex.split(line.removeprefix("next: edgecnn "))


@pytest.mark.slow
def test_next_commands_work_as_they_are_typed(edgecnn, pictures: Path, data_root: Path) -> None:
    data = ("--data", "folder:my pictures", "--data-root", data_root)
    result = edgecnn("train", "digits-compact", "-o", "my run", *data, *TINY)
    assert result.code == 0, result.err
    for command in ("export", "quantize", "verify"):
        typed = _next(result.out)
        assert typed[0] == command
        if command == "quantize":
            assert typed[typed.index("--data") + 1] == "folder:my pictures"
            typed += ["--method", "static", "--seconds", "0.05"]
        result = edgecnn(*typed)
        assert result.code in (0, 1, 3), result.err  # 1 where the form is worse, 3 where 24 images cannot tell
        assert "not here" not in result.err
    assert "24 images of the test split" in result.out


def test_the_parent_is_told_where_nothing_is_better(edgecnn, model: Path, data_root: Path, monkeypatch) -> None:
    from edgecnn.bench.figures import Ratio
    from edgecnn.quantize import choose

    slower = Ratio(str(model), str(model), 1, 1, 2.0, (2.0, 2.0), "slower")
    monkeypatch.setattr(choose, "compare_latency", lambda *paths, **how: slower)
    result = edgecnn("quantize", model, "--data-root", data_root)
    assert f"{model}: stays the file to ship, nothing was written" in result.out
    assert _next(result.out) == ["evaluate", str(model), "--data-root", str(data_root)]
    assert not model.with_name("model-preferred.onnx").exists()


def test_evaluate_shows_one_model(edgecnn, model: Path, data_root: Path) -> None:
    result = edgecnn("evaluate", model, "--data-root", data_root)
    assert result.code == 0
    assert "359 images of the test split of digits" in result.out
    assert "most often taken for another: " in result.out


@pytest.mark.parametrize("split", ["test", "validation"])
def test_evaluate_has_the_figures_of_verify(edgecnn, run: Path, model: Path, data_root: Path, split: str) -> None:
    options = ("--data-root", data_root, "--split", split, "--json")
    found, compared = (
        json.loads(edgecnn(*command, *options).out) for command in (("evaluate", model), ("verify", run, model))
    )
    assert found["scores"] == compared["candidate"]
    assert {key: found[key] for key in ("dataset", "split", "images")} == {
        key: compared[key] for key in ("dataset", "split", "images")
    }
    low, high = found["accuracy_ci95"]
    assert low < found["scores"]["accuracy"] < high


def test_evaluate_takes_pictures_of_ones_own(edgecnn, model: Path, tmp_path: Path) -> None:
    for label in "0123456789":
        (tmp_path / label).mkdir()
        for number in range(5):
            Image.new("L", (28, 28), number).save(tmp_path / label / f"{number}.png")
    found = json.loads(edgecnn("evaluate", model, "--data", f"folder:{tmp_path}", "--json").out)
    assert (found["images"], found["scores"]["accuracy"]) == (10, 0.1)  # a fifth of each class, all of one answer


def test_evaluate_needs_the_same_labels(edgecnn, model: Path, pictures: Path) -> None:
    result = edgecnn("evaluate", model, "--data", "folder:my pictures")
    assert (result.code, result.out) == (2, "")
    assert "left" in result.err  # the class that the model does not know
