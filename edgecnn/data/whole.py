"""A data set of the user's own in one go: its splits, where each comes from, and what was left out of them."""

from dataclasses import dataclass, field

from edgecnn.data.split import Split

HELD_OUT = "a fifth, held out"


@dataclass(frozen=True)
class Sources:
    """Where each split comes from, in words; ``validation`` is None where it is held out of the training images."""

    train: str
    validation: str | None
    test: str


@dataclass(frozen=True)
class Left:
    """What was left out: hidden pictures and folders, files of other kinds by suffix, folders that could not be listed,
    and folders beside the splits that are none."""

    hidden: tuple[str, ...] = ()
    passed_over: dict[str, int] = field(default_factory=dict)
    unlisted: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Whole:
    """All splits; ``validation`` is None where the data set has none of its own."""

    train: Split
    validation: Split | None
    test: Split
    sources: Sources
    left: Left
