"""The tree in the docstring of ``edgecnn.errors`` is the truth, and what its messages promise exists."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from edgecnn import errors
from edgecnn.errors import EXTRA_OF_MODULE, CheckFailed, EdgecnnError, Interrupted, missing_package, nearest

ROOT = Path(__file__).resolve().parents[1]
BRANCH = re.compile(r"^ {4}(?P<indent>[ │├└─]*)(?P<name>[A-Z]\w+) +(?P<text>.+)$")


def _drawn() -> dict[str, tuple[str | None, str]]:
    """Return {class: (parent, description)} as the docstring draws it."""
    found: dict[str, tuple[str | None, str]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := BRANCH.match(line):
            depth = len(match["indent"]) // 4
            above[depth:] = [match["name"]]
            found[match["name"]] = (above[depth - 1] if depth else None, match["text"])
    return found


def _real() -> dict[str, type[EdgecnnError]]:
    return {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, Exception) and kind.__module__ == errors.__name__
        if not issubclass(kind, Warning)
    }


def test_the_drawn_tree_is_the_real_one() -> None:
    real = {name: None if kind is EdgecnnError else kind.__bases__[0].__name__ for name, kind in _real().items()}
    assert {name: parent for name, (parent, _) in _drawn().items()} == real


def test_the_drawn_tree_keeps_the_order_of_the_file() -> None:
    assert list(_drawn()) == list(_real())


@pytest.mark.parametrize("name", sorted(_real()))
def test_the_drawn_tree_says_what_the_class_says(name: str) -> None:
    first_sentence = (_real()[name].__doc__ or "").strip().rstrip(".").lower()
    assert _drawn()[name][1].lower().startswith(first_sentence)


@pytest.mark.parametrize("name", sorted(_real()))
def test_the_exit_code_is_the_one_that_is_drawn(name: str) -> None:
    kind = _real()[name]
    assert kind.exit_code == (1 if issubclass(kind, CheckFailed) else 130 if kind is Interrupted else 2)


def test_no_other_module_has_errors_of_its_own() -> None:
    """Templates of embed are no modules: they are programs of their own, which have no edgecnn beside them."""
    elsewhere = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for folder in ("edgecnn", "cli")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path != Path(errors.__file__).resolve() and "templates" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).endswith(("Error", "Exception")) for base in node.bases)
    ]
    assert elsewhere == []


@pytest.mark.parametrize(("module", "extra"), [("onnxruntime", "cpu"), ("sklearn", "train"), ("cv2", "webcam")])
def test_a_missing_package_names_the_module_and_the_command(module: str, extra: str) -> None:
    message = str(missing_package(module))
    assert message == f"This needs {module}, which is not installed. Run: pip install 'edgecnn[{extra}]'"


def test_every_extra_that_a_message_names_can_be_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(EXTRA_OF_MODULE.values()) <= set(project["optional-dependencies"])


def test_nearest_names_the_closest_word() -> None:
    assert nearest("mnsit", ["cifar10", "mnist"]) == " Did you mean 'mnist'?"


def test_nearest_is_silent_when_nothing_is_close() -> None:
    assert nearest("zebra", ["cifar10", "mnist"]) == ""
