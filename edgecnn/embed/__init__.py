"""Starter projects: a model file with the one page of code that runs it elsewhere, and a self-test against its card."""

from edgecnn.embed.project import CARD, MODEL, Embedded, embed

__all__ = ["CARD", "MODEL", "Embedded", "embed"]
