"""What there is one file of for each thing: found by its name, listed without being imported, and what was meant."""

import subprocess
import sys
from pathlib import Path

import pytest

from edgecnn import registry
from edgecnn.errors import DataError, EdgecnnError
from edgecnn.registry import MOST_NAMED, Registry

ALL = [found for found in vars(registry).values() if isinstance(found, Registry)]
each = pytest.mark.parametrize("known", ALL, ids=lambda known: known.noun)


def test_these_are_found_by_their_names() -> None:
    nouns = {
        "network",
        "data set",
        "recipe",
        "study",
        "provider",
        "target",
        "form",
        "task",
        "figure",
        "kind of device",
        "runtime",
        "check",
    }
    assert {known.noun for known in ALL} == nouns


@each
def test_every_name_is_that_of_a_file(known: Registry) -> None:
    assert known.names()
    for name in known.names():
        path = known.path(name)
        assert path.is_file() or (path / "__init__.py").is_file()


def test_a_task_has_figures_of_its_own() -> None:
    own = registry.FIGURES.path("misses")
    assert own.parts[-4:] == ("tasks", "_detection", "figures", "misses.py")
    assert registry.FIGURES.module("misses").__name__ == "edgecnn.tasks._detection.figures.misses"


@each
def test_a_name_that_is_none_gets_those_that_are_and_the_nearest(known: Registry) -> None:
    name = max(known.names(), key=len)
    with pytest.raises(known.error) as told:
        known.check(name + "x")
    message = str(told.value)
    assert message.startswith(f"no {known.noun} '{name}x'; there is ")
    listed = ", ".join(known.names())
    assert (
        f"what edgecnn list {known.listed} shows" if len(known.names()) > MOST_NAMED and known.listed else listed
    ) in message
    assert message.endswith(f". Did you mean '{name}'?")


def test_what_may_stand_in_place_of_a_name_is_told() -> None:
    with pytest.raises(DataError, match=r"mnist, folder:PATH, csv:FILE, .* or a path ending in \.npz\.$"):
        registry.DATASETS.check("zzz")


def test_a_shared_file_is_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "PACKAGE", tmp_path)
    (tmp_path / "things").mkdir()
    for file in ("two_words.py", "one.py", "_shared.py", "__init__.py", "notes.toml"):
        (tmp_path / "things" / file).touch()
    things = Registry("thing", "edgecnn.things", EdgecnnError)
    assert things.names() == ("one", "two-words")
    assert ("one" in things, "_shared" in things) == (True, False)


def test_to_list_names_imports_none_of_what_they_need() -> None:
    code = (
        "import sys\n"
        "from edgecnn import registry\n"
        "found = [known.names() for known in vars(registry).values() if isinstance(known, registry.Registry)]\n"
        "assert len(found) == 12\n"
        "print(*{name.partition('.')[0] for name in sys.modules})\n"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "torch", "onnx", "onnxruntime", "PIL", "pydantic", "typer"} & set(loaded)
