"""What a project can be made for: one file each, found by its name.

A target's module has:

``TEMPLATES``           the folders of ``../templates/`` whose files the project gets
``SELFTEST``            the commands that build the project and test it, in its folder; the last one exits with 0 or 1
``generated(card)``     files made from the card alone, by name
"""

import importlib
import pkgutil
from typing import Protocol, cast

from edgecnn.card import ModelCard
from edgecnn.errors import EmbedError, nearest


class Target(Protocol):
    """What the module of a target has."""

    TEMPLATES: tuple[str, ...]
    SELFTEST: tuple[str, ...]

    def generated(self, card: ModelCard) -> dict[str, str]:
        """Return the files that are made from the card, by name."""


def names() -> tuple[str, ...]:
    """Return the names of the targets, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


def get(name: str) -> Target:
    """Return the target of that name, or raise EmbedError."""
    if name not in names():
        raise EmbedError(f"no target '{name}'; there is {', '.join(names())}.{nearest(name, names())}")
    return cast(Target, importlib.import_module(f"{__name__}.{name}"))
