"""Targets by their names. A target's module has:

``TEMPLATES``           by task, the folders of ``../templates/`` whose files the project gets
``SELFTEST``            the commands that build the project and test it, in its folder; the last one exits with 0 or 1
``COPIED``              which of ``model.onnx`` and ``card.json`` the project gets
``generated(card, model)``  files made from the card, or from the model file's bytes, by name
"""

from collections.abc import Mapping
from typing import Protocol, cast

from edgecnn.card import ModelCard
from edgecnn.errors import EmbedError
from edgecnn.registry import TARGETS


class Target(Protocol):
    """What the module of a target has."""

    TEMPLATES: Mapping[str, tuple[str, ...]]
    SELFTEST: tuple[str, ...]
    COPIED: tuple[str, ...]

    def generated(self, card: ModelCard, model: bytes) -> dict[str, str]:
        """Return the files that are made from the card or the model, by name."""


def names() -> tuple[str, ...]:
    """Return the names of the targets, sorted."""
    return TARGETS.names()


def get(name: str) -> Target:
    """Return the target of that name, or raise EmbedError."""
    return cast(Target, TARGETS.module(name))


def templates(name: str, card: ModelCard) -> tuple[str, ...]:
    """Return the folders of a target's project for a model. Raises EmbedError where it has none for such a model."""
    found = get(name).TEMPLATES.get(card.task)
    if found is None:
        able = [other for other in names() if card.task in get(other).TEMPLATES]
        raise EmbedError(
            f"{card.name}: is for {card.task}, and {name} has no project for that; "
            + (f"there is one for {', '.join(able)}. Name one of them with --to." if able else "no target has one.")
        )
    return found
