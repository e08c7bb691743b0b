"""Targets by their names. A target's module has:

``TEMPLATES``           by task, the folders of ``../templates/`` whose files the project gets
``SELFTEST``            the commands that build the project and test it, in its folder; the last one exits with 0 or 1
``COPIED``              which of ``model.onnx`` and ``card.json`` the project gets, beside its other files
``generated(card, model)``  files made from the card, or from the model file's bytes, by their paths in the project:
                        text, which is filled in as templates are, or bytes, which are written as they are

A target whose projects take more than one version of a model is ``Growing``: it has ``holds`` and ``addition`` as well.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from edgecnn.card import ModelCard
from edgecnn.errors import EmbedError
from edgecnn.registry import TARGETS


class Target(Protocol):
    """What the module of a target has."""

    TEMPLATES: Mapping[str, tuple[str, ...]]
    SELFTEST: tuple[str, ...]
    COPIED: tuple[str, ...]

    def generated(self, card: ModelCard, model: bytes) -> Mapping[str, str | bytes]:
        """Return the files that are made from the card or the model, by their paths."""


@runtime_checkable
class Growing(Protocol):
    """What the module of a target has besides, whose projects take another version of their model."""

    def holds(self, folder: Path) -> bool:
        """Tell whether such a project is in a folder."""

    def addition(self, folder: Path, card: ModelCard, model: bytes) -> dict[str, bytes]:
        """Return the files that make a model the next version, in the order in which they are to be written.

        Each replaces what is there, or is the only one of a folder that is not there. Raises EmbedError for a model
        that does not fit.
        """


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
