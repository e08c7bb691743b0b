"""Starter projects: a model file with the one page of code that runs it elsewhere, and a self-test against its card."""

from typing import TYPE_CHECKING

from edgecnn import lazy

if TYPE_CHECKING:
    from edgecnn.embed.project import CARD, MODEL, Embedded, embed

__all__ = ["CARD", "MODEL", "Embedded", "embed"]

lazy.stage(
    __name__,
    {
        "CARD": "project",
        "MODEL": "project",
        "Embedded": "project",
        "embed": "project",
    },
)
