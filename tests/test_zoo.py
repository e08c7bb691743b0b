"""The zoo is folders of folders, and a name stands for a file wherever a model file is asked for."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import edgecnn
from edgecnn import zoo
from edgecnn.contender import is_checkpoint, open_contender
from edgecnn.errors import CardError, ModelError
from edgecnn.inspection import inspect
from edgecnn.quantize import quantize
from edgecnn.web import site

PACKAGE = Path(edgecnn.__file__).resolve().parent


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zoo folder that is the only one, with a model in both forms and one in float32 alone."""
    folder = tmp_path / "zoo"
    monkeypatch.setattr(zoo, "roots", lambda: [folder])
    for name in ("both/preferred.onnx", "both/fp32.onnx", "parent/fp32.onnx"):
        put(folder / name)
    return folder


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.mark.parametrize("value", [None, ""])
def test_looks_into_the_checkout_then_into_the_package(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(zoo.VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(zoo.VARIABLE, value)
    assert zoo.roots() == [PACKAGE.parent / "exported", PACKAGE / "models"]


def test_looks_into_the_folder_that_is_set_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(zoo.VARIABLE, "/mine")
    assert zoo.roots()[0] == Path("/mine")
    assert len(zoo.roots()) == 3


def test_models_of_all_folders_are_merged_and_the_first_folder_wins(tmp_path: Path, monkeypatch) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    monkeypatch.setattr(zoo, "roots", lambda: [tmp_path / "gone", first, second])
    for path in (first / "b" / "fp32.onnx", second / "b" / "preferred.onnx", second / "a" / "fp32.onnx"):
        put(path)
    assert [(model.name, model.folder) for model in zoo.models()] == [("a", second / "a"), ("b", first / "b")]
    assert "b/preferred" not in zoo.names()


def test_what_is_no_model_is_passed_over(root: Path) -> None:
    for name in ("notes/README.md", "loose.onnx", "other/int8.onnx", ".partial/fp32.onnx", "both/.fp32-12.onnx"):
        put(root / name)
    assert [(model.name, list(model.forms)) for model in zoo.models()] == [
        ("both", ["preferred", "fp32"]),
        ("parent", ["fp32"]),
    ]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("both", "both/preferred.onnx"),
        ("both/preferred", "both/preferred.onnx"),
        ("both/fp32", "both/fp32.onnx"),
        ("parent", "parent/fp32.onnx"),
    ],
)
def test_a_name_is_a_file(root: Path, name: str, file: str) -> None:
    assert zoo.find(name) == zoo.find(Path(name)) == root / file


def test_a_path_that_exists_wins_over_a_name(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "parent")
    assert zoo.find("parent") == Path("parent")
    assert zoo.find("both") == root / "both" / "preferred.onnx"


def test_a_folder_does_not_hide_a_model_of_its_name(root: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "both" / "fp32").mkdir(parents=True)
    assert zoo.find("both") == root / "both" / "preferred.onnx"
    assert zoo.find("both/fp32") == root / "both" / "fp32.onnx"


def test_a_folder_does_not_hide_a_contender_of_its_name_unless_it_is_a_run(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mnist-c1").mkdir()
    assert open_contender("mnist-c1").engine == "onnx"
    put(tmp_path / "mnist-c1" / "recipe.toml")
    assert is_checkpoint(Path("mnist-c1"))
    assert zoo.find("mnist-c1").name == "fp32.onnx"


@pytest.mark.parametrize(
    ("made", "given", "message"),
    [
        ("my run/recipe.toml", "my run", "my run: is a run; expected a model file. Make it one first: edgecnn export "
         "'my run'"),
        ("r/best.safetensors", "r", "r: is a run; expected a model file. Make it one first: edgecnn export r"),
        ("r/best.safetensors", "r/best.safetensors", "r/best.safetensors: is a checkpoint; expected a model file"),
        ("r/best.safetensors", "gone.safetensors", "gone.safetensors: is a checkpoint; expected a model file"),
        ("d/m.onnx", "d", "d: is a folder; expected a model file, such as d/m.onnx, or a name"),
        ("d/m.txt", "d", "d: is a folder; expected a model file (.onnx), or a name (edgecnn list models)."),
    ],
)  # fmt: skip
@pytest.mark.parametrize("call", [zoo.find, edgecnn.load, inspect, lambda given: quantize(Path(given)), site])
def test_what_is_no_model_file_yet_says_how_it_becomes_one(
    call: Callable[[str], object], made: str, given: str, message: str, root: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path / made)
    with pytest.raises(ModelError, match=re.escape(message)):
        call(given)


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ("both", "both"), ("both/fp32", "both"), ("my-own.onnx", "my-own"), ("a/my.own.onnx", "my.own"),
        ("a/b/preferred.onnx", "b"), ("unknown", "unknown"),
    ],
)  # fmt: skip
def test_a_model_is_called_by_its_users_name(root: Path, given: str, called: str) -> None:
    assert zoo.title(given) == zoo.title(Path(given)) == called


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("bth", "no file and no model of the zoo named 'bth'; the zoo has both, parent. Did you mean 'both'?"),
        ("x.onnx", "no file and no model of the zoo named 'x.onnx'; the zoo has both, parent."),
        ("bth/fp32", "named 'bth/fp32'; the zoo has both, parent. Did you mean 'both/fp32'?"),
        ("both/int8", "no file named 'both/int8', and both of the zoo has no form 'int8'; it has preferred, fp32."),
        ("x" * 5000, "no file and no model of the zoo named"),
        ("a\0b", "no file and no model of the zoo named"),
    ],
)
def test_what_is_neither_is_a_message_with_the_nearest_name(root: Path, given: str, message: str) -> None:
    with pytest.raises(ModelError, match=re.escape(message)):
        zoo.find(given)


def test_a_slip_in_the_name_of_a_file_is_a_message_with_the_nearest_one(
    root: Path, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "shapes.onnx").touch()
    monkeypatch.chdir(tmp_path)
    for given in ("sub/shapse.onnx", "sub/shapes.onx"):
        with pytest.raises(ModelError, match=r"Did you mean 'sub/shapes\.onnx'\?"):
            zoo.find(given)


def test_an_empty_zoo_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "roots", lambda: [tmp_path])
    with pytest.raises(ModelError, match="the zoo has no models"):
        zoo.find("mnist-compact")


def test_names_are_opened_as_files_are() -> None:
    assert edgecnn.load("mnist-compact").card.form == "int8-static"
    assert edgecnn.load("mnist-compact/fp32").card.form == "fp32"
    opened = open_contender(Path("mnist-c1"))
    assert (opened.name, opened.file) == ("mnist-c1", zoo.find("mnist-c1"))
    assert inspect(Path("mnist-c1")).path == zoo.find("mnist-c1")


def test_quantizing_the_preferred_form_names_its_parent() -> None:
    with pytest.raises(CardError, match=r"is int8-static already. Quantize its float32 parent, mnist-compact/fp32\."):
        quantize(Path("mnist-compact"))
