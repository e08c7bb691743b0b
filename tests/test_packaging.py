"""What is installed is what is there."""

import tomllib
from pathlib import Path

import edgecnn

ROOT = Path(__file__).resolve().parents[1]


def test_every_package_is_listed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "edgecnn").rglob("__init__.py")}
    found = {".".join(folder.parts) for folder in folders} | {"edgecnn_cli"}
    assert set(project["tool"]["setuptools"]["packages"]) == found


def test_exports_these_names() -> None:
    assert edgecnn.__all__ == ["Classifier", "EdgecnnError", "ModelCard", "Prediction", "__version__", "load"]
