"""What a figure of a report is: one file of ``figures/``, which draws from a subject or says why it cannot.

A module there has ``TITLE``, ``PLACE`` (figures stand on the page in this order), ``TASKS`` (the tasks that it is for;
none means any) and ``draw(subject)``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from matplotlib.figure import Figure as Picture

from edgecnn.registry import FIGURES

Cell = str | int | float | None


@dataclass(frozen=True)
class Numbers:
    """What a figure is drawn from, as it goes into a CSV file: a row of ``columns`` and the others."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Shown:
    """A table on the page: cells as text, of which the ``left`` first of a row are not numbers."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    left: int = 1


@dataclass(frozen=True)
class Figure:
    """One figure. ``alt`` says in words what ``picture`` shows, ``command`` what prints its numbers again.

    ``folded`` figures are closed until they are asked for: they are long, and few read them.
    """

    caption: str
    numbers: Numbers
    command: str
    picture: Picture | None = None
    alt: str = ""
    table: Shown | None = None
    folded: bool = field(default=False)


@dataclass(frozen=True)
class Missing:
    """Why a figure is not there, and what brings it."""

    reason: str


@dataclass(frozen=True)
class Failed:
    """What went wrong in a figure that should be there."""

    error: str


Outcome = Figure | Missing | Failed


@dataclass(frozen=True)
class Kind:
    """A module of ``figures/``."""

    name: str
    title: str
    place: int
    draw: Callable[[Any], Figure | Missing]


def kinds(task: str) -> list[Kind]:
    """Return the figures that there are for a task, in the order of the page."""
    found = {name: FIGURES.module(name) for name in FIGURES.names()}
    fitting = [_kind(name, module) for name, module in found.items() if not module.TASKS or task in module.TASKS]
    return sorted(fitting, key=lambda kind: (kind.place, kind.name))


def _kind(name: str, module: ModuleType) -> Kind:
    return Kind(name, module.TITLE, module.PLACE, module.draw)
