"""What a figure was measured on: processor, its features, threads, versions, and whether anything else was running."""

from dataclasses import dataclass, field

from edgecnn.documents import later
from edgecnn.machine.cpu import family_of
from edgecnn.machine.facts import facts
from edgecnn.version import __version__

BUSY_FRACTION = 0.1


@dataclass(frozen=True)
class Environment:
    """``busy`` is the fraction of the CPUs that something else used just before the measurement, where it is known.

    ``family`` is what processors have in common on which the same form is the fastest. ``place`` is what ``--on``
    named, None for the machine that the command ran on.
    """

    processor: str
    family: str = field(metadata=later(lambda found: family_of(found["architecture"], found["cpu_features"])))
    architecture: str
    system: str
    cpu_features: list[str]
    threads_available: int
    affinity: int
    cpu_quota: float | None
    memory_bytes: int | None = field(metadata=later(lambda found: None))
    versions: dict[str, str]
    busy: float | None
    place: str | None = field(metadata=later(lambda found: None))

    @property
    def warning(self) -> str | None:
        """Say so when the machine was not quiet."""
        if self.busy is None or self.busy < BUSY_FRACTION:
            return None
        return f"something else kept {self.busy:.0%} of the CPUs busy: these figures are not to be trusted"


def environment() -> Environment:
    """Record the machine; takes a third of a second, in which it looks whether the machine is quiet."""
    found = facts()
    versions = {"edgecnn": __version__, **found.pop("versions")}
    return Environment(**found, versions=versions, place=None)
