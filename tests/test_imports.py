"""How the modules of the package and of the command line know of each other."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
PACKAGES = {"edgecnn": "edgecnn", "edgecnn_cli": "cli"}
LAZY = {"__getattr__", "__dir__"}


def _modules(root: Path) -> dict[str, Path]:
    """Return the file of each module of both packages below ``root``, by the module's name."""
    found = {}
    for package, folder in PACKAGES.items():
        for path in (root / folder).rglob("*.py"):
            if "templates" not in path.parts:
                parts = path.relative_to(root / folder).with_suffix("").parts
                found[".".join((package, *parts)).removesuffix(".__init__")] = path
    return found


def _imported(name: str, path: Path) -> Iterator[tuple[str, str]]:
    """Yield what a module imports anywhere, in functions and for types too: a module and, where given, a name in it."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            module = ".".join(part for part in (above, node.module) if part)
            yield from ((module, alias.name) for alias in node.names)


def _graph(root: Path) -> dict[str, set[str]]:
    """Return which modules each module imports; a module taken from its package is that module, not the package."""
    modules = _modules(root)
    graph = {}
    for name, path in modules.items():
        pairs = _imported(name, path)
        found = {f"{module}.{member}" if f"{module}.{member}" in modules else module for module, member in pairs}
        graph[name] = found & modules.keys() - {name}
    return graph


def _cycle(graph: dict[str, set[str]]) -> str:
    """Return the path of a cycle, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return " -> ".join(reversed(error.args[1]))
    return ""


def test_no_module_imports_itself_through_others_anywhere() -> None:
    graph = _graph(REPOSITORY)
    assert {"edgecnn.card", "edgecnn.runtime.session", "edgecnn_cli.main"} <= graph.keys()
    assert _cycle(graph) == ""


def test_no_module_of_the_package_goes_through_its_front_door_which_knows_of_all() -> None:
    assert [name for name, found in _graph(REPOSITORY).items() if "edgecnn" in found and "_cli" not in name] == []


@pytest.mark.parametrize(
    "back",
    [
        "import edgecnn.low.first",
        "from edgecnn.low import first",
        "from .first import f",
        "from . import first",
        "def f():\n    from edgecnn.low import first",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from edgecnn.low.first import f",
    ],
)
def test_a_cycle_is_found_with_its_path(tmp_path: Path, back: str) -> None:
    low = tmp_path / "edgecnn" / "low"
    low.mkdir(parents=True)
    (low / "__init__.py").write_text("")
    (low / "first.py").write_text("def f():\n    from edgecnn.low.second import g")
    (low / "second.py").write_text(back)
    assert _cycle(_graph(tmp_path)) in {
        "edgecnn.low.first -> edgecnn.low.second -> edgecnn.low.first",
        "edgecnn.low.second -> edgecnn.low.first -> edgecnn.low.second",
    }


def test_a_module_that_is_taken_from_its_package_is_no_use_of_the_package(tmp_path: Path) -> None:
    (tmp_path / "edgecnn").mkdir()
    (tmp_path / "edgecnn" / "__init__.py").write_text("from edgecnn.card import Card")
    (tmp_path / "edgecnn" / "card.py").write_text("from edgecnn import errors")
    (tmp_path / "edgecnn" / "errors.py").write_text("")
    assert _graph(tmp_path)["edgecnn.card"] == {"edgecnn.errors"}


def test_an_init_offers_names_and_has_no_logic() -> None:
    """Lazy rooms look their names up."""
    found = set()
    for name, path in _modules(REPOSITORY).items():
        if path.name == "__init__.py":
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
            own = {getattr(node, "name", "lambda") for node in nodes if isinstance(node, kinds)}
            found |= {name} if own - LAZY else set()
    assert found == set()
