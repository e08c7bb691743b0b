"""Execution providers: one file each, found by its name.

A provider's module has:

``ORT_NAME``            the name that ONNX Runtime gives it
``EXTRA``               the extra of edgecnn that installs it
``options(threads)``    its provider options for a session with that many threads
``prepare()``           what has to happen before the first session, such as loading its libraries
"""

import importlib
import pkgutil
from typing import Protocol, cast

from edgecnn.errors import ProviderError, nearest


class Provider(Protocol):
    """What the module of a provider has."""

    ORT_NAME: str
    EXTRA: str

    def options(self, threads: int) -> dict[str, str]:
        """Return the provider options of a session."""

    def prepare(self) -> None:
        """Make ready for the first session."""


def names() -> tuple[str, ...]:
    """Return the names of the providers that edgecnn knows, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def get(name: str) -> Provider:
    """Return the provider of that name, or raise ProviderError."""
    if name not in names():
        raise ProviderError(f"no provider '{name}'; there is {', '.join(names())}.{nearest(name, names())}")
    return cast(Provider, importlib.import_module(f"{__name__}.{name}"))
