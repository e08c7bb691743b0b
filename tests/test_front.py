"""The front door: what ``edgecnn`` offers, whatever was imported before, and the examples of its help."""

import ast
import importlib
import inspect
import pkgutil
import pydoc
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

import edgecnn
from edgecnn import lazy

PACKAGE = Path(edgecnn.__file__).parent
STAGES = ("train", "export", "adopt", "quantize", "verify", "bench", "report", "embed", "explain")  # as their files go
FUNCTIONS = (*STAGES, "leaderboard", "load", "load_detector", "read_card")
HEAVY = "{'torch', 'onnx', 'onnxruntime', 'sklearn', 'matplotlib', 'pydantic', 'cv2'} & set(sys.modules)"
PACKAGES = [name for _, name, is_package in pkgutil.walk_packages(edgecnn.__path__, "edgecnn.") if is_package]


def _function(name: str) -> Callable[..., object]:
    """Return the function itself, of a stage as its package has it."""
    found = getattr(edgecnn, name)
    return getattr(found, name) if name in STAGES else found


def _example(function: Callable[..., object]) -> str:
    """Return the block after ``Example::`` in a docstring."""
    found = re.search(r"Example::\n\n((?:    .*\n|\n)+)", inspect.getdoc(function) + "\n")
    assert found is not None, f"{function.__name__} has no example"
    return textwrap.dedent(found[1])


def _outcome(script: str, folder: Path | None = None) -> str:
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_the_examples_of_its_help_run_in_an_empty_folder(tmp_path: Path) -> None:
    briefly = f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\nimport brief\nbrief.measure_briefly()"
    script = "\n".join([briefly, *(_example(_function(name)) for name in FUNCTIONS)])
    assert len(_outcome(script, tmp_path).splitlines()) == len(FUNCTIONS)  # each prints a line
    assert {path.name for path in tmp_path.iterdir()} >= {"runs", "digits.onnx", "digits-int8.onnx", "digits-app"}


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_is_imported_without_what_it_needs(name: str) -> None:
    script = f"import sys; from edgecnn import {name}; assert callable({name}); print({HEAVY})"
    assert _outcome(script) == "set()"


@pytest.mark.slow
@pytest.mark.parametrize(
    "before",
    [
        "",
        "import edgecnn.train.loop as loop; assert loop.train is edgecnn.train.train",
        "from edgecnn.train import Outcome, train; assert train is edgecnn.train.train",
        "from edgecnn import train; assert train is edgecnn.train",
    ],
)
def test_a_stage_is_called_whatever_was_imported_before(before: str) -> None:
    script = (
        f"import edgecnn\n{before}\n"
        "try:\n    edgecnn.train('no-such-recipe', 'run')\n"
        "except edgecnn.EdgecnnError as error:\n    print(type(error).__name__)\n"
        "import edgecnn.train.loop\n"
        "assert edgecnn.train is sys.modules['edgecnn.train']\n"
    )
    assert _outcome(f"import sys\n{script}") == "RecipeError"


@pytest.mark.parametrize("name", STAGES)
def test_help_of_a_stage_shows_its_function(name: str) -> None:
    shown = pydoc.plain(pydoc.render_doc(getattr(edgecnn, name)))
    assert "Example::" in shown
    assert f"    {name}(" in shown
    assert inspect.signature(getattr(edgecnn, name)) == inspect.signature(_function(name))


def test_help_is_a_tour_of_all_that_is_offered() -> None:
    shown = pydoc.plain(pydoc.render_doc(edgecnn)).partition("PACKAGE CONTENTS")[0]
    offered = set(edgecnn.__all__) - {"__version__"}
    assert offered == {name for name in offered if re.search(rf"\b{name}\b", shown)}


def test_everything_that_is_offered_is_there_and_nothing_else() -> None:
    assert dir(edgecnn) == sorted(edgecnn.__all__)
    assert all(getattr(edgecnn, name) is not None for name in edgecnn.__all__)
    with pytest.raises(AttributeError, match=r"^module 'edgecnn' has no attribute 'tain'$"):
        edgecnn.tain  # noqa: B018
    with pytest.raises(AttributeError, match=r"^module 'edgecnn.train' has no attribute 'tain'$"):
        edgecnn.train.tain  # noqa: B018


@pytest.mark.parametrize("name", PACKAGES)
def test_no_package_offers_a_name_that_is_one_of_its_modules(name: str) -> None:
    package = importlib.import_module(name)
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    offered = {key for key, value in vars(package).items() if callable(value) and not inspect.ismodule(value)}
    assert not modules & (offered | set(vars(package).get("homes", ())))


@pytest.mark.parametrize("name", [name for name in PACKAGES if name.partition(".")[2] in STAGES])
def test_types_see_what_a_stage_gives(name: str) -> None:
    package = importlib.import_module(name)
    assert isinstance(package, lazy.Stage)
    tree = ast.parse(Path(package.__file__).read_text(encoding="utf-8"))
    typed = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == package.homes
    assert all(
        getattr(package, offered).__name__ == offered
        for offered in package.homes
        if offered not in ("Verdict", "CARD", "MODEL")
    )


def test_overrides_are_for_a_recipe_that_is_named(tmp_path: Path) -> None:
    from edgecnn.recipes.read import read

    with pytest.raises(edgecnn.EdgecnnError, match=r"overrides \(epochs\) come with a recipe that was read already"):
        edgecnn.train(read("digits-compact"), tmp_path / "run", overrides={"epochs": 1})


@pytest.mark.parametrize(
    ("former", "now"), [("load_finder", "load_detector"), ("Finder", "Detector"), ("Finds", "Detections")]
)
def test_a_former_name_is_refused_with_the_one_that_it_has(former: str, now: str) -> None:
    with pytest.raises(AttributeError, match=rf"edgecnn\.{former} is called edgecnn\.{now} now"):
        getattr(edgecnn, former)
