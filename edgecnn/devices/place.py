"""What a kind of device has to say: how Python is started there, and what it means when it is not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from edgecnn.errors import DeviceError, EdgecnnError
from edgecnn.registry import DEVICES
from edgecnn.text import excerpt


@dataclass(frozen=True)
class Python:
    """A Python on a device: its program, its version, and whether pip refuses to install into it."""

    program: str
    version: tuple[int, ...]
    managed: bool


class Place(Protocol):
    """A device that ``--on`` names."""

    @property
    def name(self) -> str:
        """What stands for it in messages and documents: what was asked for."""

    @property
    def keeps_time(self) -> bool:
        """Whether durations measured there are those of a machine that there is."""

    def command(self, code: str) -> list[str]:
        """Return the command here that starts Python there on ``code``, connected to its standard streams.

        ``code`` is one line without quotes, dollars or backslashes. Raises DeviceError where it cannot be started.
        """

    def recorded(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return the record of the machine, of what the runner found there."""

    def install(self, packages: Sequence[str], python: Python) -> str:
        """Return the sentence that says how packages come to a Python there."""

    def unreached(self, code: int, said: Sequence[str]) -> EdgecnnError:
        """Return the error, a DeviceError or ConnectionLost, for a command that ended, with exit code ``code``, before
        the runner said a word."""


class Kind(Protocol):
    """What the module of a kind has. ``EXAMPLE`` is what one writes for ``--on``."""

    EXAMPLE: str

    def place(self, rest: str) -> Place:
        """Return the device that ``--on KIND:rest`` names. Raises DeviceError for what is none."""


def place_of(text: str) -> Place:
    """Return the device that is meant. Raises DeviceError for what names none."""
    kind, colon, rest = text.partition(":")
    if not colon or kind not in DEVICES:
        examples = ", ".join(cast(Kind, DEVICES.module(name)).EXAMPLE for name in DEVICES.names())
        raise DeviceError(f"'{excerpt(text)}' names no device; expected one such as {examples}.")
    return cast(Kind, DEVICES.module(kind)).place(rest)
