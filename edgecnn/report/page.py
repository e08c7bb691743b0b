"""What a model's page in the zoo says that depends on its task."""

from typing import Protocol

from edgecnn.card import ModelCard
from edgecnn.verify.compared import Compared


class Page(Protocol):
    """Parts of a page, in Markdown."""

    def purpose(self, card: ModelCard) -> str:
        """Say in a few words what a model tells apart."""

    def takes(self, card: ModelCard) -> str:
        """Say in a few words what images it takes."""

    def head(self, card: ModelCard) -> str:
        """Say in a sentence what goes in and what comes out."""

    def use(self, name: str, card: ModelCard) -> str:
        """Return the lines to copy."""

    def limits(self, card: ModelCard) -> str:
        """Say what it is for, and what it is not."""

    def data(self, card: ModelCard) -> str:
        """Say what it was trained on, and under which license."""

    def comparison(self, document: bytes) -> Compared:
        """Read what ``edgecnn verify --json`` printed. Raises DocumentError."""

    def figures(self, found: Compared) -> str:
        """Say in words what the comparison has."""


class PagedTask(Protocol):
    """What is asked of a task here."""

    def page(self) -> Page:
        """Return what the page of a model says."""
