"""Adding one thing is adding one file: the examples of CONTRIBUTING.md, put into a copy of the package and used."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import onnx
import onnxruntime
import pytest
from PIL import Image
from preloaded import serving

import edgecnn
from edgecnn import files, zoo
from edgecnn.runtime.selftest import selftest
from edgecnn.verify import compare_files

ROOT = Path(__file__).resolve().parents[1]
ADDED = (
    "edgecnn/networks/tiny.py",
    "edgecnn/recipes/digits-tiny.toml",
    "edgecnn/studies/digits-widths.toml",
    "edgecnn/data/named/stripes.py",
    "edgecnn/runtime/providers/coreml.py",
    "edgecnn/runtime/providers/optimized.py",
    "edgecnn/quantize/forms/fp16_compute.py",
    "edgecnn/embed/targets/swift.py",
    "edgecnn/bench/runtimes/reference.py",
    "edgecnn/devices/kinds/python.py",
    "edgecnn/audit/checks/pools.py",
    "edgecnn/report/figures/brightness.py",
)


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the package with these files, and nothing else, added."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    folder = tmp_path_factory.mktemp("extended")
    shutil.copytree(ROOT / "edgecnn", folder / "edgecnn", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ADDED:
        block = re.search(rf"`{re.escape(name)}`.*?```\w+\n(.*?)```", text, re.S)
        assert block is not None, f"CONTRIBUTING.md has no example for {name}"
        assert not (folder / name).exists()
        (folder / name).write_text(block[1], encoding="utf-8")
    template = folder / "edgecnn" / "embed" / "templates" / "swift"
    template.mkdir()
    (template / "README.md").write_text("# @MODEL@ in Swift\n", encoding="utf-8")
    Image.new("L", (28, 28), 255).save(folder / "picture.png")
    with serving(folder / "command", environment(folder)):
        yield folder


def environment(extended: Path) -> dict[str, str]:
    """Return what leads to the copy of the package, and to nothing of the machine's."""
    added = {
        "PYTHONPATH": str(extended),
        "EDGECNN_DATA": str(extended / "data"),
        "EDGECNN_MODELS": str(ROOT / "exported"),
        "XDG_CACHE_HOME": str(extended / "cache"),
        "HOME": str(extended),
        "COLUMNS": "160",
    }
    return os.environ | added


def run(extended: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [extended / "command" / "edgecnn", *arguments]
    return subprocess.run(command, cwd=extended, env=environment(extended), capture_output=True, text=True, check=False)


def call(extended: Path, *arguments: str) -> str:
    result = run(extended, *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("networks", "tiny"),
        ("recipes", "digits-tiny"),
        ("studies", "digits-widths"),
        ("datasets", "stripes"),
        ("providers", "coreml"),
        ("providers", "optimized"),
    ],
)
def test_an_added_file_is_found(extended: Path, kind: str, name: str) -> None:
    assert name in {row["name"] for row in json.loads(call(extended, "list", kind, "--json"))[kind]}


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("predict", "--provider <coreml|cpu|cuda|openvino|optimized>"),
        ("embed", "--to <browser|c|c99|cpp|node|python|swift|triton>"),
        ("quantize", "--method <auto|dense|fp16|fp16-compute|mixed|static|static-full>"),
    ],
)
def test_help_lists_what_was_added(extended: Path, command: str, option: str) -> None:
    shown = " ".join(run(extended, command, "--help").stdout.replace("│", " ").split())
    assert option.replace(" ", "") in shown.replace(" ", "")


def test_an_added_provider_is_asked_of_onnxruntime(extended: Path) -> None:
    """This one is not in the wheels for Linux and Windows, and says so as the others do."""
    result = run(extended, "predict", "mnist-c1", "picture.png", "--provider", "coreml")
    offered = "CoreMLExecutionProvider" in onnxruntime.get_available_providers()
    assert result.returncode == (0 if offered else 2)
    assert offered or "mnist-c1: asked for provider coreml, but this onnxruntime offers" in result.stderr


@pytest.mark.slow
def test_an_added_provider_converts_a_model_once_and_answers_alike(extended: Path) -> None:
    def predict(provider: str) -> list[dict[str, object]]:
        return json.loads(call(extended, "predict", "mnist-c1", "picture.png", "--provider", provider, "--json"))

    first, (kept,) = predict("optimized"), list((extended).rglob("optimized/*/model.onnx"))
    written = kept.stat().st_mtime_ns
    assert kept.parent.name == files.sha256(zoo.find("mnist-c1"))
    assert first == predict("optimized") == predict("cpu")
    assert kept.stat().st_mtime_ns == written
    kept.write_bytes(zoo.find("mnist-best").read_bytes())  # what is opened is what was converted
    assert predict("optimized") != first
    kept.unlink()


def test_an_added_provider_that_cannot_convert_a_file_says_so(extended: Path) -> None:
    (extended / "broken.onnx").write_bytes(b"no model")
    result = run(extended, "selftest", "broken.onnx", "--provider", "optimized")
    assert result.returncode == 2
    assert "broken.onnx: not a model that ONNX Runtime can open" in result.stderr
    assert list(extended.rglob("optimized/*/*model.onnx*")) == []


def test_a_model_runs_on_an_added_kind_of_device(extended: Path) -> None:
    device = f"python:{sys.executable}"
    told = json.loads(call(extended, "selftest", "mnist-c1", "--on", device, "--json"))
    assert (told["passed"], told["environment"]["place"]) == (True, device)
    result = run(extended, "selftest", "mnist-c1", "--on", f"python:{shutil.which('false')}")
    assert (result.returncode, "ended with exit code 1" in result.stderr) == (2, True)


def test_an_added_runtime_is_measured_beside_the_others(extended: Path) -> None:
    result = run(extended, "bench", "mnist-c1", "--everywhere", "--threads", "1", "--seconds", "0.05", "--json")
    found = {one["provider"]: one["right"] for one in json.loads(result.stdout)["everywhere"]["answers"]}
    assert found[f"ONNX reference evaluator {onnx.__version__}"] is True


def test_an_added_check_is_looked_at(extended: Path) -> None:
    told = json.loads(call(extended, "audit", "mnist-c1", "--threads", "1", "--seconds", "0.01", "--json"))
    assert "3 poolings take" in {entry["name"]: entry["seen"] for entry in told["fine"]}["pools"]


def test_an_added_target_gets_its_project(extended: Path) -> None:
    embedded = json.loads(call(extended, "embed", "mnist-c1", "--to", "swift", "-o", "app", "--json"))
    assert embedded["files"] == ["README.md", "card.json", "model.onnx"]
    assert embedded["selftest"] == ["swift build", "swift run selftest"]
    readme = (extended / "app" / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("# mnist-c1 (fp32,")


@pytest.mark.slow
def test_an_added_figure_is_in_the_report(extended: Path, model: Path, data_root: Path) -> None:
    arguments = ("-o", "bright.html", "--only", "brightness", "--seconds", "0", "--data-root", str(data_root), "--json")
    (figure,) = json.loads(call(extended, "report", str(model), *arguments))["figures"]
    assert figure["files"] == ["brightness.csv", "brightness.png", "brightness.svg"]
    assert len(figure["rows"]) == 359
    assert "Right and wrong by brightness" in (extended / "bright.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def halved(extended: Path, model: Path, data_root: Path) -> dict[str, object]:
    """What ``quantize`` says of the form that was added."""
    arguments = (
        "-o",
        "half.onnx",
        "--method",
        "fp16-compute",
        "--seconds",
        "0.05",
        "--data-root",
        str(data_root),
        "--json",
    )
    return json.loads(call(extended, "quantize", str(model), *arguments))


@pytest.mark.slow
def test_an_added_form_is_made_under_its_own_name(extended: Path, model: Path, halved: dict[str, object]) -> None:
    assert halved["output_form"] == "fp16-compute"
    assert (extended / "half.onnx").stat().st_size < model.stat().st_size
    card = edgecnn.load(extended / "half.onnx").card
    assert (card.form, card.quantization.method, card.quantization.calibration) == (
        "fp16-compute",
        "fp16-compute",
        None,
    )
    weights = {tensor.data_type for tensor in onnx.load(extended / "half.onnx").graph.initializer}
    assert onnx.TensorProto.FLOAT16 in weights
    assert "MatMulInteger" not in {node.op_type for node in onnx.load(extended / "half.onnx").graph.node}


@pytest.mark.slow
@pytest.mark.usefixtures("halved")
def test_a_file_in_an_added_form_runs_where_the_form_is_not_known(extended: Path, model: Path, data_root: Path) -> None:
    assert not (ROOT / "edgecnn" / "quantize" / "forms" / "fp16_compute.py").exists()
    assert selftest(edgecnn.load(extended / "half.onnx")).passed
    found = compare_files(model, extended / "half.onnx", root=data_root)
    assert abs(found.drop_pp) < 0.5


@pytest.mark.slow
def test_an_added_form_is_tried_with_the_others(extended: Path, model: Path, data_root: Path) -> None:
    allowed = ("--max-drop-pp", "100")  # no mixed form is looked for
    arguments = ("-o", "auto.onnx", "--seconds", "0.05", "--data-root", str(data_root), *allowed, "--json")
    found = json.loads(call(extended, "quantize", str(model), *arguments))
    assert [candidate["form"] for candidate in found["candidates"]] == [
        "int8-static",
        "int8-dense",
        "fp16",
        "fp16-compute",
    ]


@pytest.mark.slow
def test_the_added_recipe_trains_the_added_network_on_the_added_data(extended: Path) -> None:
    arguments = ("train", "digits-tiny", "--data", "stripes", "--set", "data.validation=0.2", "-o", "run", "--json")
    assert json.loads(call(extended, *arguments))["best"]["validation"]["accuracy"] == 1.0
    exported = json.loads(call(extended, "export", "run", "-o", "stripes.onnx", "--json"))
    assert exported["test_score"]["value"] == 1.0


@pytest.mark.slow
def test_the_added_study_compares_the_added_recipe(extended: Path) -> None:
    runs = json.loads(call(extended, "study", "digits-widths", "--quick", "--json"))["runs"]
    assert [run["settings"] for run in runs] == [{"network.parameters.filters": width} for width in (4, 16)]
    assert all(run["finished"] for run in runs)
