"""What a search over forms and settings found."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from edgecnn.machine.environment import Environment
from edgecnn.quantize.figures import Lost

Objective = Literal["latency", "size", "memory"]
OBJECTIVES: tuple[Objective, ...] = ("latency", "size", "memory")


@dataclass(frozen=True)
class Limits:
    """What a variant may cost: points of the metric below the parent, bytes of its file, bytes of a process's memory at
    its peak. None is no limit."""

    max_drop_pp: float
    max_size_bytes: int | None = None
    max_peak_bytes: int | None = None


@dataclass(frozen=True)
class Variant:
    """A form with the settings that it was run with. ``latency_ratio`` is that of one image over the parent's with the
    default settings, ``peak_bytes`` the memory of a process that holds it alone.

    ``on_front`` says that no other is as good in latency, size, memory and drop, and better in one of them.
    """

    form: str
    threads: int
    spinning: bool
    size_bytes: int
    peak_bytes: int
    p50_ms: float
    latency_ratio: float
    latency_ratio_ci95: tuple[float, float]
    verdict: str
    validation_score: float
    drop_pp: float
    drop_pp_ci95: tuple[float, float]
    on_front: bool = False

    def __str__(self) -> str:
        waiting = "" if self.spinning else ", not spinning"
        return f"{self.form} with {self.threads} thread{'s' if self.threads > 1 else ''}{waiting}"


@dataclass(frozen=True)
class Screened:
    """A variant that was timed briefly and left out: of its form others were faster."""

    form: str
    threads: int
    spinning: bool
    latency_ratio: float


@dataclass(frozen=True)
class Dropped:
    """A form that was not timed: on validation images it drops further than is allowed, or its file is too large."""

    form: str
    size_bytes: int
    validation_score: float
    drop_pp: float


@dataclass(frozen=True)
class Tested:
    """The preferred file against the parent on the test split, which was opened once, for this."""

    images: int
    parent_score: float
    score: float
    drop_pp: float
    drop_pp_ci95: tuple[float, float]
    verdict: str


@dataclass(frozen=True)
class Tuned:
    """What was tried, what is on the front, and what is preferred. The first of ``variants`` is the parent with the
    default settings; where nothing is better it is ``preferred``, and ``output`` is the parent, as it was."""

    SCHEMA: ClassVar[int] = 1

    model: Path
    objective: Objective
    limits: Limits
    provider: str
    metric: str
    validation_images: int
    variants: list[Variant]
    screened: list[Screened]
    dropped: list[Dropped]
    lost: list[Lost]
    preferred: Variant
    output: Path
    reason: str
    tested: Tested | None
    environment: Environment
    seconds: float

    @property
    def front(self) -> list[Variant]:
        """The variants that no other beats, the fastest first."""
        return sorted((one for one in self.variants if one.on_front), key=lambda one: one.latency_ratio)
