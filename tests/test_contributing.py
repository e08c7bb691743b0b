"""Adding one thing is adding one file: the examples of CONTRIBUTING.md, put into a copy of the package and used."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ADDED = (
    "edgecnn/networks/tiny.py",
    "edgecnn/recipes/digits-tiny.toml",
    "edgecnn/studies/digits-widths.toml",
    "edgecnn/data/named/stripes.py",
    "edgecnn/runtime/providers/coreml.py",
    "edgecnn/embed/targets/swift.py",
)


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with these files, and nothing else, added."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    folder = tmp_path_factory.mktemp("extended")
    shutil.copytree(ROOT / "edgecnn", folder / "edgecnn", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ADDED:
        block = re.search(rf"`{re.escape(name)}`.*?```\w+\n(.*?)```", text, re.S)
        assert block is not None, f"CONTRIBUTING.md has no example for {name}"
        assert not (folder / name).exists()
        (folder / name).write_text(block[1], encoding="utf-8")
    return folder


def call(extended: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(extended), "EDGECNN_DATA": str(extended / "data")}
    command = [sys.executable, "-m", "edgecnn_cli.main", *arguments]
    result = subprocess.run(command, cwd=extended, env=environment, capture_output=True, text=True, check=False)
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
    ],
)
def test_an_added_file_is_found(extended: Path, kind: str, name: str) -> None:
    assert name in {row["name"] for row in json.loads(call(extended, "list", kind, "--json"))[kind]}


def test_an_added_target_is_found(extended: Path) -> None:
    script = "from edgecnn.embed.targets import get, names; print(*names(), get('swift').SELFTEST[-1])"
    environment = os.environ | {"PYTHONPATH": str(extended)}
    command = [sys.executable, "-c", script]
    told = subprocess.run(command, cwd=extended, env=environment, capture_output=True, text=True, check=True).stdout
    assert told.strip().endswith("python swift swift run selftest")


@pytest.mark.slow
def test_the_added_recipe_trains_the_added_network_on_the_added_data(extended: Path) -> None:
    arguments = ("train", "digits-tiny", "--data", "stripes", "--set", "data.validation=0.2", "-o", "run", "--json")
    assert json.loads(call(extended, *arguments))["best"]["validation"]["accuracy"] == 1.0
    exported = json.loads(call(extended, "export", "run", "-o", "stripes.onnx", "--json"))
    assert exported["test_accuracy"] == 1.0


@pytest.mark.slow
def test_the_added_study_compares_the_added_recipe(extended: Path) -> None:
    runs = json.loads(call(extended, "study", "digits-widths", "--quick", "--json"))["runs"]
    assert [run["settings"] for run in runs] == [{"network.parameters.filters": width} for width in (4, 16)]
    assert all(run["finished"] for run in runs)
