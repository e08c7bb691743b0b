"""What a study says: which runs, what is set in all of them, how the quick size differs, when a search stops one."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat, model_validator
from pydantic_core import PydanticCustomError

from edgecnn.recipes.schema import Count, Positive, Table

MOST_RUNS = 1_000
TRIES = 100  # of a draw, for each sample that is wanted, until one is there that was not before
DIGITS = 4  # that a drawn number has, so that a label has all of it
Settings = dict[str, Any]
Name = Annotated[str, Field(min_length=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]  # a share of the way is exact up to there


class Run(Table):
    """One run. ``stated`` is the source's figure in percent, ``stated_on`` the split that it is of; ``set`` has keys
    of the recipe, dotted or as tables, which are laid over it as one recipe extends another."""

    label: Name
    recipe: str | None = None
    stated: Annotated[float, Field(ge=0, le=100)] | None = None
    stated_on: Literal["test", "validation"] = "test"
    set: Settings = Field(default_factory=dict)


class Range(Table):
    """What a draw takes a value from: one of a list (``choice``, or the list without a table), a number between two,
    evenly or evenly in its logarithm, or a whole number from the first to the second."""

    choice: Annotated[list[Any], Field(min_length=1)] | None = None
    uniform: tuple[FiniteFloat, FiniteFloat] | None = None
    log_uniform: tuple[Positive, Positive] | None = None
    integer: tuple[Whole, Whole] | None = None

    @model_validator(mode="before")
    @classmethod
    def _a_list_is_a_choice(cls, found: Any) -> Any:
        """Take a list without a table."""
        return {"choice": found} if isinstance(found, list) else found

    @model_validator(mode="after")
    def _is_one_thing(self) -> "Range":
        if len(self.model_dump(exclude_none=True)) != 1:
            raise PydanticCustomError("range", "a range is one of choice, uniform, log_uniform and integer")
        low, high = self.uniform or self.log_uniform or self.integer or (0, 1)
        if not low < high:
            raise PydanticCustomError("range", "a range goes from a number to a greater one")
        return self

    def value(self, share: float) -> Any:
        """Return the value that lies ``share`` (0 to below 1) of the way.

        >>> Range(log_uniform=(1e-4, 1e-2)).value(0.5), Range(integer=(1, 3)).value(0.9), Range(choice=["a"]).value(0)
        (0.001, 3, 'a')
        """
        if self.choice is not None:
            return self.choice[int(share * len(self.choice))]
        if self.integer is not None:
            low, high = self.integer
            return low + int(share * (high - low + 1))
        if self.log_uniform is not None:
            start, end = self.log_uniform
            drawn = start * (end / start) ** share
        else:
            start, end = self.uniform or (0.0, 1.0)
            drawn = start + share * (end - start)
        return min(max(float(f"{drawn:.{DIGITS}g}"), start), end)


class Draws(Table):
    """Runs at ``samples`` points that are drawn at random, by ``seed``, where a grid would have all of them: ``vary``
    maps dotted keys to what their values are drawn from."""

    samples: Annotated[int, Field(ge=1, le=MOST_RUNS)]
    seed: Seed = 0
    vary: Annotated[dict[str, Range], Field(min_length=1)]

    @model_validator(mode="after")
    def _has_as_many(self) -> "Draws":
        if len(found := self.points()) < self.samples:
            raise PydanticCustomError(
                "samples", f"no more than {len(found)} different points were found to draw; ask for so many samples"
            )
        return self

    def points(self) -> list[Settings]:
        """Return what is drawn: the same for a seed, none twice, and the first ones the same for more samples."""
        draw, found = Random(self.seed), dict[str, Settings]()
        for _ in range(TRIES * self.samples):
            point = {key: within.value(draw.random()) for key, within in self.vary.items()}
            found.setdefault(repr(point), point)
            if len(found) == self.samples:
                break
        return list(found.values())


class Search(Table):
    """Runs that do badly are stopped early. They are compared after ``grace_epochs``, and each time that they have
    ``reduction`` times as many; about one of ``reduction`` goes on. ``metric`` is what is compared, on the validation
    split; by default what training follows. ``scheduler`` = halving waits for all at each comparison, asha does not."""

    scheduler: Literal["halving", "asha"]
    metric: str | None = None
    grace_epochs: Count = 1
    reduction: Annotated[int, Field(ge=2)] = 3

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """Return the epochs after which runs of so many are compared, the last one with them.

        >>> Search(scheduler="asha").rungs(20), Search(scheduler="asha", grace_epochs=5).rungs(5)
        ((1, 3, 9, 20), (5,))
        """
        found, epoch = [], self.grace_epochs
        while epoch < epochs:
            found.append(epoch)
            epoch *= self.reduction
        return (*found, epochs)


@dataclass(frozen=True)
class Variant:
    """One run of the list at one point of the grid, or of those drawn."""

    label: str
    recipe: str
    layers: tuple[Settings, ...]
    stated: float | None
    stated_on: str


class Study(Table):
    """Runs from a list (``[[run]]``), from a grid (dotted key to its values, all combinations) or from points drawn at
    ``random``, or each of the list at each such point.

    ``recipe`` is that of every run without its own, ``set`` is laid over every run, ``quick`` over those of the quick
    size, last. ``source`` is what the source of the study found, in a sentence. With ``search`` not every run is
    trained to its end.
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
    random: Draws | None = None
    search: Search | None = None

    @model_validator(mode="after")
    def _has_runs(self) -> "Study":
        if not self.run and not self.grid and self.random is None:
            raise PydanticCustomError("runs", "a study needs [[run]] tables or a table [grid] or [random]")
        if self.grid and self.random is not None:
            raise PydanticCustomError(
                "points", "a study has [grid] or [random]; a list in random.vary is drawn from as well"
            )
        if self.recipe is None and (not self.run or any(run.recipe is None for run in self.run)):
            raise PydanticCustomError("recipe", "a study without a recipe needs one in each [[run]]")
        if self.size * len(self.seeds) > MOST_RUNS:
            raise PydanticCustomError("size", f"a study of more than {MOST_RUNS:,} runs is none that ends")
        return self

    @property
    def size(self) -> int:
        """The number of runs with one seed."""
        points = self.random.samples if self.random else math.prod(map(len, self.grid.values()))
        return max(1, len(self.run)) * points

    @property
    def varied(self) -> tuple[str, ...]:
        """The dotted keys whose values the points are."""
        return tuple(self.random.vary if self.random else self.grid)

    def variants(self) -> Iterator[Variant]:
        """Yield what is run, in the order of the file."""
        short = {key: key.rpartition(".")[2] for key in self.varied}
        names = short if len(set(short.values())) == len(short) else {key: key for key in self.varied}
        runs: list[Run | None] = [*self.run] or [None]
        for run in runs:
            for point in self._points():
                parts = [run.label] if run else []
                parts += [f"{names[key]}={_text(value)}" for key, value in point.items()]
                yield Variant(
                    label=", ".join(parts),
                    recipe=(run.recipe if run else None) or self.recipe or "",
                    layers=(self.set, run.set if run else {}, point),
                    stated=run.stated if run else None,
                    stated_on=run.stated_on if run else "test",
                )

    def _points(self) -> list[Settings]:
        if self.random:
            return self.random.points()
        return [dict(zip(self.grid, values, strict=True)) for values in itertools.product(*self.grid.values())]


def _text(value: Any) -> str:
    """Write a value of a grid for a label: numbers as short as they go, lists without brackets."""
    if isinstance(value, list):
        return ",".join(map(_text, value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
