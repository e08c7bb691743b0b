"""What every comparison of two models says, whatever they are for."""

from typing import Protocol

from edgecnn.machine.environment import Environment
from edgecnn.verify.apart import Breakdown
from edgecnn.verify.gate import Verdict
from edgecnn.verify.scores import FlipCounts
from edgecnn.verify.table import Table


class Compared(Protocol):
    """The verdict of a comparison. A positive ``drop_pp`` (percentage points of ``metric``) means that the candidate is
    worse; ``images_needed`` is about how many images would decide where these leave it undecided."""

    @property
    def metric(self) -> str:
        """The name of the figure that is compared."""

    @property
    def reference_score(self) -> float:
        """Its value of the reference."""

    @property
    def candidate_score(self) -> float:
        """Its value of the candidate."""

    @property
    def dataset(self) -> str:
        """What both were run on."""

    @property
    def split(self) -> str:
        """Which of its splits."""

    @property
    def images(self) -> int:
        """On how many images."""

    @property
    def drop_pp(self) -> float:
        """By how many percentage points it drops."""

    @property
    def drop_pp_ci95(self) -> tuple[float, float]:
        """The 95 % interval of the drop."""

    @property
    def max_drop_pp(self) -> float:
        """What is allowed."""

    @property
    def verdict(self) -> Verdict:
        """What the interval shows, and those of all that was judged apart."""

    @property
    def images_needed(self) -> int | None:
        """How many images would decide in 80 % of cases; None where over a million would, or these do."""

    @property
    def flip_counts(self) -> FlipCounts | None:
        """How many images got worse and how many better, where that is known."""

    @property
    def passed(self) -> bool:
        """Whether that is within what is allowed."""

    @property
    def environment(self) -> Environment | None:
        """The device that the candidate ran on, None for this machine."""

    def breakdowns(self) -> list[Breakdown]:
        """Return what was judged apart: classes, slices."""

    def tables(self) -> list[Table]:
        """Return what people look at."""

    def remarks(self) -> list[str]:
        """Return what is to be said beside, a line each."""


class Evaluated(Protocol):
    """The figures of one model on the images of a split."""

    @property
    def split(self) -> str:
        """Which of its splits."""

    @property
    def images(self) -> int:
        """On how many images."""

    @property
    def metric(self) -> str:
        """The name of the figure that counts."""

    @property
    def score(self) -> float:
        """Its value."""

    def tables(self) -> list[Table]:
        """Return what people look at."""

    def remarks(self) -> list[str]:
        """Return what is to be said beside, a line each."""
