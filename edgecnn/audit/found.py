"""What a check says: a finding, that all is fine, or why it could not look."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something to change. ``name`` is that of the check, ``nodes`` are the layers' names in the file.

    ``brings`` is the share of the kernels' time that the change would take away at most, None where it brings no time;
    ``how`` says how that was estimated, or what it brings instead.
    """

    name: str
    nodes: list[str]
    seen: str
    change: str
    brings: float | None
    how: str


@dataclass(frozen=True)
class Fine:
    """A check that found nothing, and what it saw."""

    name: str
    seen: str


@dataclass(frozen=True)
class Unseen:
    """A check that could not look."""

    name: str
    why: str


Found = Finding | Fine | Unseen
