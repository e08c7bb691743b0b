"""What a project can be made for: one file each, found by its name.

A target's module has:

``TEMPLATES``           the folders of ``../templates/`` whose files the project gets
``SELFTEST``            the commands that build the project and test it, in its folder; the last one exits with 0 or 1
``generated(card)``     files made from the card alone, by name
"""

from typing import Protocol, cast

from edgecnn.card import ModelCard
from edgecnn.registry import TARGETS


class Target(Protocol):
    """What the module of a target has."""

    TEMPLATES: tuple[str, ...]
    SELFTEST: tuple[str, ...]

    def generated(self, card: ModelCard) -> dict[str, str]:
        """Return the files that are made from the card, by name."""


def names() -> tuple[str, ...]:
    """Return the names of the targets, sorted."""
    return TARGETS.names()


def get(name: str) -> Target:
    """Return the target of that name, or raise EmbedError."""
    return cast(Target, TARGETS.module(name))
