"""Every command that takes a model file takes a name of the zoo, and the shell completes it."""

import json
from pathlib import Path

import numpy as np
import pytest
from edgecnn_cli.main import loaded
from PIL import Image

from edgecnn import zoo
from edgecnn.export import export

TAKE_A_MODEL = {
    "quantize": {"model"},
    "evaluate": {"model"},
    "verify": {"reference", "candidate"},
    "bench": {"models"},
    "predict": {"model"},
    "inspect": {"model"},
    "selftest": {"model"},
    "embed": {"model"},
    "webcam": {"model"},
}


@pytest.fixture(scope="module")
def own_zoo(tmp_path_factory: pytest.TempPathFactory, run: Path, data_root: Path) -> Path:
    """A zoo folder with one small model, which verify and quantize have the data for."""
    folder = tmp_path_factory.mktemp("zoo")
    export(run, folder / "ours" / "fp32.onnx", root=data_root)
    return folder


@pytest.fixture
def here(own_zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with that zoo."""
    monkeypatch.setenv(zoo.VARIABLE, str(own_zoo))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_predict(edgecnn, here: Path) -> None:
    Image.fromarray(np.zeros((40, 40), np.uint8)).save("black.png")
    told = json.loads(edgecnn("predict", "ours", "black.png", "--json").out)
    assert told["model"] == "ours"


def test_selftest(edgecnn, here: Path) -> None:
    assert edgecnn("selftest", "ours/fp32").code == 0


def test_embed(edgecnn, here: Path, own_zoo: Path) -> None:
    assert json.loads(edgecnn("embed", "ours", "--to", "python", "-o", "app", "--json").out)["model"] == "ours"
    assert Path("app/model.onnx").read_bytes() == (own_zoo / "ours" / "fp32.onnx").read_bytes()


def test_webcam(edgecnn, here: Path) -> None:
    Image.fromarray(np.zeros((40, 40), np.uint8)).save("black.png")
    told = json.loads(edgecnn("webcam", "ours", "--source", "black.png", "--whole", "--no-display").out)
    assert told["digits"][0]["box"] == [0, 0, 40, 40]


def test_inspect(edgecnn, here: Path, own_zoo: Path) -> None:
    assert json.loads(edgecnn("inspect", "ours", "--json").out)["path"] == str(own_zoo / "ours" / "fp32.onnx")


def test_verify(edgecnn, here: Path, run: Path, data_root: Path) -> None:
    told = json.loads(edgecnn("verify", run, "ours", "--data-root", data_root, "--json").out)
    assert told["candidate"]["model"] == "ours"


@pytest.mark.slow
def test_bench(edgecnn, here: Path) -> None:
    told = json.loads(edgecnn("bench", "ours", "--batch", 1, "--threads", 1, "--seconds", 0.1, "--json").out)
    assert told["contenders"][0]["model"] == "ours"


def test_quantize_writes_here_and_leaves_the_zoo_as_it_is(edgecnn, here: Path, own_zoo: Path, data_root: Path) -> None:
    before = sorted(own_zoo.rglob("*"))
    options = ("--method", "static", "--data-root", data_root, "--seconds", 0.1, "--json")
    assert json.loads(edgecnn("quantize", "ours/fp32", *options).out)["output"] == "ours-fp32-static.onnx"
    assert {path.name for path in here.iterdir()} == {"ours-fp32-static.onnx", "ours-fp32-static.card.json"}
    assert sorted(own_zoo.rglob("*")) == before


def test_a_file_here_wins(edgecnn, here: Path, static_model: Path) -> None:
    Path("ours").write_bytes(static_model.read_bytes())
    assert json.loads(edgecnn("inspect", "ours", "--json").out)["path"] == "ours"


def test_list_shows_what_each_model_is(edgecnn, here: Path) -> None:
    row = next(line for line in edgecnn("list", "models").out.splitlines() if line.startswith("mnist-compact "))
    for part in ("mnist: 10 labels", "28x28 gray", "72,666", "99.69%", "118.9 kB", "preferred (int8-static), fp32"):
        assert part in row
    assert "onnx" not in row


def test_list_json_has_the_paths(edgecnn, here: Path, own_zoo: Path) -> None:
    listed = {row["name"]: row for row in json.loads(edgecnn("list", "models", "--json").out)["models"]}
    assert listed.keys() >= {"ours", "mnist-c1", "mnist-compact"}
    assert [form["path"] for form in listed["ours"]["forms"]] == [str(own_zoo / "ours" / "fp32.onnx")]


def completed(command: str, parameter: str, incomplete: str) -> list[str]:
    found = loaded(command)
    context = found.make_context(command, [], resilient_parsing=True)
    (wanted,) = (each for each in found.params if each.name == parameter)
    return [item.value for item in wanted.shell_complete(context, incomplete)]


@pytest.mark.parametrize("command", TAKE_A_MODEL)
def test_the_shell_completes_names(here: Path, command: str) -> None:
    for parameter in TAKE_A_MODEL[command]:
        assert completed(command, parameter, "our") == ["ours", "ours/fp32"]


def test_the_shell_completes_studies() -> None:
    assert completed("study", "name", "e-") == ["e-filters", "e-l2", "e-learning-rates"]


def test_the_shell_completes_files_beside_names(here: Path) -> None:
    for name in ("own.onnx", "own.txt", "other.onnx"):
        Path(name).touch()
    Path("outputs").mkdir()
    assert completed("selftest", "model", "o") == ["ours", "ours/fp32", "other.onnx", "outputs", "own.onnx"]
    assert completed("selftest", "model", "ot") == []  # files alone are the shell's own
