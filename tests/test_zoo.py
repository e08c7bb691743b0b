"""The zoo is the folders of one folder."""

from pathlib import Path

import pytest

import edgecnn
from edgecnn import zoo


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(zoo.VARIABLE, str(tmp_path))
    return tmp_path


def put(path: Path, size: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(size))
    return path


def test_folder_is_the_one_that_is_set(root: Path) -> None:
    assert zoo.zoo_root() == root


@pytest.mark.parametrize("value", [None, ""])
def test_folder_is_that_of_the_checkout_else(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(zoo.VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(zoo.VARIABLE, value)
    assert zoo.zoo_root() == Path(edgecnn.__file__).resolve().parents[1] / "exported"


def test_models_come_by_name(root: Path) -> None:
    for name in ("mnist-c1", "digits", "mnist-a1"):
        put(root / name / "fp32.onnx", 1)
    assert [(model.name, model.folder) for model in zoo.models()] == [
        (name, root / name) for name in ("digits", "mnist-a1", "mnist-c1")
    ]


def test_files_come_largest_first_then_by_name(root: Path) -> None:
    small, large, twin = (put(root / "m" / name, size) for name, size in (("a.onnx", 1), ("z.onnx", 9), ("b.onnx", 1)))
    assert [model.files for model in zoo.models()] == [[large, small, twin]]


def test_what_is_no_model_is_passed_over(root: Path) -> None:
    put(root / "notes" / "README.md", 1)
    put(root / "loose.onnx", 1)
    put(root / "digits" / "fp32.onnx", 1)
    put(root / "digits" / "fp32.card.json", 1)
    assert [[file.name for file in model.files] for model in zoo.models()] == [["fp32.onnx"]]


def test_empty_folder_has_no_models(root: Path) -> None:
    assert zoo.models() == []


def test_missing_folder_has_no_models(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(zoo.VARIABLE, str(root / "gone"))
    assert zoo.models() == []
