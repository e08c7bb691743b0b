"""What is installed is what is there, and an installed edgecnn has models."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from wheels import build_wheel

import edgecnn
from edgecnn import zoo
from edgecnn.embed import embed, targets

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUPTOOLS = PYPROJECT["tool"]["setuptools"]
MOST_BYTES = 7_000_000


def test_every_package_is_listed() -> None:
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "edgecnn").rglob("__init__.py")}
    found = {".".join(folder.parts) for folder in folders} | {"edgecnn_cli", "edgecnn.models"}
    assert set(SETUPTOOLS["packages"]) == found


def test_exports_these_names() -> None:
    assert edgecnn.__all__ == [
        *("Classifier", "Detections", "Detector", "EdgecnnError", "ModelCard", "Prediction"),
        *("__version__", "adopt", "bench", "embed", "explain", "export", "leaderboard", "load"),
        *("load_detector", "quantize", "read_card", "report", "train", "tune", "verify"),
    ]


def test_the_smallest_models_are_installed_along_as_many_as_7_mb_hold() -> None:
    fitting, total = [], 0
    for size, name in sorted((_size(model.folder), model.name) for model in zoo.models_in(ROOT / "exported")):
        total += size
        fitting += [f"{name}/*"] if total <= MOST_BYTES else []
    assert SETUPTOOLS["package-data"]["edgecnn.models"] == sorted(fitting), "[tool.setuptools.package-data]"


def test_dev_has_every_group_and_no_extra_has_tools() -> None:
    groups = PYPROJECT["dependency-groups"]
    assert groups["dev"] == [{"include-group": name} for name in groups if name != "dev"]
    tools = {re.split("[>=]", tool)[0] for name in groups.keys() - {"dev"} for tool in groups[name]}
    brought = {
        re.split("[>=]", package)[0]
        for extra in PYPROJECT["project"]["optional-dependencies"].values()
        for package in extra
    }
    assert tools & brought == set()


def test_the_service_example_asks_for_what_its_tests_have() -> None:
    lines = (ROOT / "examples" / "service" / "requirements.txt").read_text().splitlines()
    assert lines == ["edgecnn[cpu]", *PYPROJECT["dependency-groups"]["examples"]]


def test_a_commit_is_checked_by_what_make_lint_runs() -> None:
    hooks = re.findall(r"entry: make --silent (\S+)", (ROOT / ".pre-commit-config.yaml").read_text())
    targets = re.findall(r"^(lint-\w+):", (ROOT / "Makefile").read_text(), re.M)
    assert sorted(hooks) == sorted(targets) == ["lint-c", "lint-js", "lint-python"]


def test_the_tools_of_the_page_are_exact_versions_and_their_lock_names_no_registry() -> None:
    package = json.loads((ROOT / "web" / "package.json").read_text())
    versions = [*package["dependencies"].values(), *package["devDependencies"].values()]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)
    locked = json.loads((ROOT / "web" / "package-lock.json").read_text())["packages"]
    assert all("integrity" in entry and "resolved" not in entry for path, entry in locked.items() if path)


@pytest.fixture(scope="session")
def installed(once) -> Path:
    """The wheel, built without a network from a copy of the checkout, and unpacked."""
    return once("wheel", build_wheel)


@pytest.mark.slow
def test_the_wheel_is_small_and_has_the_models_with_all_their_files(installed: Path) -> None:
    assert next(installed.glob("*.whl")).stat().st_size < MOST_BYTES + 500_000
    models = installed / "site" / "edgecnn" / "models"
    names = [pattern.partition("/")[0] for pattern in SETUPTOOLS["package-data"]["edgecnn.models"]]
    assert sorted(path.name for path in models.iterdir()) == names
    for name in names:
        found = {path.name for path in (models / name).iterdir()}
        assert found == {path.name for path in (ROOT / "exported" / name).iterdir()}


@pytest.mark.slow
def test_an_installed_edgecnn_finds_its_models_from_anywhere(installed: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(installed / "site")}
    environment.pop(zoo.VARIABLE, None)
    command = [sys.executable, "-m", "edgecnn_cli.main"]
    for arguments, key in ((["list", "models"], "models"), (["selftest", "mnist-compact"], "passed")):
        result = subprocess.run(
            [*command, *arguments, "--json"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        assert json.loads(result.stdout)[key]
        if key == "models":
            paths = [Path(form["path"]) for model in json.loads(result.stdout)[key] for form in model["forms"]]
            assert all(path.is_relative_to(installed / "site" / "edgecnn" / "models") for path in paths)


@pytest.mark.slow
def test_an_installed_edgecnn_says_where_the_page_and_the_other_models_are(installed: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(installed / "site")}
    environment.pop(zoo.VARIABLE, None)
    told = {}
    for words in (("list", "models"), ("doctor",), ("web", "mnist-c1", "--no-open")):
        command = [sys.executable, "-m", "edgecnn_cli.main", *words]
        result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        told[words[0]] = result.stdout + result.stderr
    assert "the others lie in exported/ of its source; name that folder in EDGECNN_MODELS" in told["list"]
    assert "page of edgecnn web: not in this installation" in told["doctor"]
    assert "a wheel of make wheel has it" in told["web"]


@pytest.mark.slow
@pytest.mark.parametrize("target", targets.names())
def test_an_installed_edgecnn_has_every_template(installed: Path, target: str, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(installed / "site")}
    arguments = ["embed", "mnist-c1", "--to", target, "-o", str(tmp_path / "installed")]
    subprocess.run([sys.executable, "-m", "edgecnn_cli.main", *arguments], cwd=tmp_path, env=environment, check=True)
    ours = embed("mnist-c1", target, tmp_path / "ours")
    installed_files = (path for path in (tmp_path / "installed").rglob("*") if path.is_file())
    assert {path.relative_to(tmp_path / "installed").as_posix() for path in installed_files} == set(ours.files)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
