"""Figures to be shown, before anybody draws them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Figures to be shown: rows of text under columns, of which ``left`` are not numbers."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    left: int = 1
