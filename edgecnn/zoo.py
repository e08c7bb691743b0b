"""The model zoo: one folder a model, in ``EDGECNN_MODELS`` or in ``exported/`` of a checkout."""

import os
from dataclasses import dataclass
from pathlib import Path

import edgecnn

VARIABLE = "EDGECNN_MODELS"


@dataclass(frozen=True)
class ZooModel:
    """One model of the zoo with its files, the largest first."""

    name: str
    folder: Path
    files: list[Path]


def zoo_root() -> Path:
    """Return the folder that holds the zoo; it need not exist."""
    given = os.environ.get(VARIABLE)
    return Path(given) if given else Path(edgecnn.__file__).resolve().parents[1] / "exported"


def models() -> list[ZooModel]:
    """Return the models that are there, by name."""
    root = zoo_root()
    folders = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    found = [ZooModel(folder.name, folder, _files(folder)) for folder in folders]
    return [model for model in found if model.files]


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.onnx"), key=lambda path: (-path.stat().st_size, path.name))
