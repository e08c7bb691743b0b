"""What a study says: which runs, what is set in all of them, and how the quick size differs."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from edgecnn.recipes.schema import Table

MOST_RUNS = 1_000
Settings = dict[str, Any]
Name = Annotated[str, Field(min_length=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Run(Table):
    """One run. ``stated`` is the source's figure in percent, ``stated_on`` the split that it is of; ``set`` has keys
    of the recipe, dotted or as tables, which are laid over it as one recipe extends another."""

    label: Name
    recipe: str | None = None
    stated: Annotated[float, Field(ge=0, le=100)] | None = None
    stated_on: Literal["test", "validation"] = "test"
    set: Settings = Field(default_factory=dict)


@dataclass(frozen=True)
class Variant:
    """One run of the list at one point of the grid."""

    label: str
    recipe: str
    layers: tuple[Settings, ...]
    stated: float | None
    stated_on: str


class Study(Table):
    """Runs from a list (``[[run]]``), from a grid (dotted key to its values, all combinations), or each of the list at
    each point of the grid.

    ``recipe`` is that of every run without its own, ``set`` is laid over every run, ``quick`` over those of the quick
    size, last. ``source`` is what the source of the study found, in a sentence.
    """

    name: str = ""
    description: str = ""
    source: str = ""
    recipe: str | None = None
    seeds: Annotated[list[Seed], Field(min_length=1)] = Field(default_factory=lambda: [0])
    set: Settings = Field(default_factory=dict)
    quick: Settings = Field(default_factory=dict)
    run: list[Run] = Field(default_factory=list)
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_runs(self) -> "Study":
        if not self.run and not self.grid:
            raise PydanticCustomError("runs", "a study needs [[run]] tables or a table [grid]")
        if self.recipe is None and (not self.run or any(run.recipe is None for run in self.run)):
            raise PydanticCustomError("recipe", "a study without a recipe needs one in each [[run]]")
        if self.size * len(self.seeds) > MOST_RUNS:
            raise PydanticCustomError("size", f"a study of more than {MOST_RUNS:,} runs is none that ends")
        return self

    @property
    def size(self) -> int:
        """The number of runs with one seed."""
        return max(1, len(self.run)) * math.prod(map(len, self.grid.values()))

    def variants(self) -> Iterator[Variant]:
        """Yield what is run, in the order of the file."""
        short = {key: key.rpartition(".")[2] for key in self.grid}
        names = short if len(set(short.values())) == len(short) else {key: key for key in self.grid}
        runs: list[Run | None] = [*self.run] or [None]
        for run in runs:
            for values in itertools.product(*self.grid.values()):
                point = dict(zip(self.grid, values, strict=True))
                parts = [run.label] if run else []
                parts += [f"{names[key]}={_text(value)}" for key, value in point.items()]
                yield Variant(
                    label=", ".join(parts),
                    recipe=(run.recipe if run else None) or self.recipe or "",
                    layers=(self.set, run.set if run else {}, point),
                    stated=run.stated if run else None,
                    stated_on=run.stated_on if run else "test",
                )


def _text(value: Any) -> str:
    """Write a value of a grid for a label: numbers as short as they go, lists without brackets."""
    if isinstance(value, list):
        return ",".join(map(_text, value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
