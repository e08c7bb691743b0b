"""What Ray's workers are given, whatever they answer: something to open in each of them, and units, one by one."""

from typing import Any, Protocol

from edgecnn.errors import ModelError
from edgecnn.version import __version__


class Answering(Protocol):
    """What answers units in a worker."""

    def answer(self, unit: Any) -> Any:
        """Return what comes of a unit, as it is sent back. Raises EdgecnnError where all has to end."""


class Work(Protocol):
    """What every worker needs. It is sent to each."""

    @property
    def size_bytes(self) -> int:
        """About how many bytes it has."""

    def with_threads(self, threads: int) -> "Work":
        """Return the same for workers with so many threads."""

    def opened(self) -> Answering:
        """Open it, in a worker. Raises EdgecnnError."""


def check_version(asked: str) -> None:
    """Raise ModelError in a worker that has another edgecnn than the process that asks it."""
    if asked != __version__:
        raise ModelError(
            f"a worker has edgecnn {__version__}, and edgecnn {asked} asks it. Install the same version on all "
            "machines."
        )
