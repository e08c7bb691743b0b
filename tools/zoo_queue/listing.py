"""What is to be trained, in order, and where each of it stands."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

HERE = Path(__file__).resolve().parent
State = Literal["finished", "failed", "begun", "waits"]


@dataclass(frozen=True)
class Entry:
    """One run: a recipe with a seed, ``changes`` by dotted key, and the runs that have to be finished before."""

    label: str
    recipe: str
    seed: int
    changes: dict[str, Any]
    needs: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"{self.label}-seed{self.seed}"

    def state(self, folder: Path) -> State:
        """Tell from the files of a queue's folder where it stands."""
        run = folder / "runs" / self.name
        if (run / "outcome.json").exists():
            return "finished"
        if (folder / "failed" / f"{self.name}.txt").exists():
            return "failed"
        return "begun" if (run / "recipe.toml").exists() else "waits"


@dataclass(frozen=True)
class Listing:
    """The runs in order of value, and the words of command lines that the queue makes way for."""

    make_way_for: tuple[str, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class _Table:
    """A ``[[run]]`` of the file; ``why`` is for the reader, ``label`` for a recipe that is changed."""

    recipe: str
    why: str
    label: str = ""
    seeds: tuple[int, ...] = (0,)
    set: dict[str, Any] | None = None
    needs: tuple[str, ...] = ()


def read(path: Path = HERE / "runs.toml") -> Listing:
    """Read the list. Raises ValueError for what it does not know and for a run that is in it twice."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    tables = [_table(found, path) for found in document["run"]]
    entries = [
        Entry(table.label or table.recipe, table.recipe, seed, table.set or {}, tuple(table.needs))
        for table in tables
        for seed in table.seeds
    ]
    names = [entry.name for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path}: {', '.join(twice)} is in it twice; a name is one folder.")
    return Listing(tuple(document.get("make_way_for", ())), tuple(entries))


def _table(found: dict[str, Any], path: Path) -> _Table:
    unknown = sorted(found.keys() - {field.name for field in fields(_Table)})
    if unknown:
        allowed = ", ".join(field.name for field in fields(_Table))
        raise ValueError(f"{path}: unknown key {unknown[0]} in a run; allowed: {allowed}.")
    return _Table(**found)
