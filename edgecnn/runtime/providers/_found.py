"""Execution providers: one file each, found by its name.

A provider's module has:

``ORT_NAME``            the name that ONNX Runtime gives it
``EXTRA``               the extra of edgecnn that installs it
``options(threads)``    its provider options for a session with that many threads
``prepare()``           what has to happen before the first session, such as loading its libraries

A provider that has to convert a model first, or gains by it, has ``converted(model, folder)`` as well: what ONNX
Runtime opens in place of the model file's bytes, with the same inputs, outputs and metadata. ``folder`` is a place of
its own for this model in the platform's cache, the same each time, in which it may keep what it made.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

import platformdirs

from edgecnn.registry import PROVIDERS

Convert = Callable[[bytes, Path], bytes]  # a model file's bytes, and where to keep what is made of them


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
    return PROVIDERS.names()


def get(name: str) -> Provider:
    """Return the provider of that name, or raise ProviderError."""
    return cast(Provider, PROVIDERS.module(name))


def converted(name: str, model: bytes, sha256: str) -> bytes:
    """Return what a session on a provider opens in place of a model file's bytes: those, unless it converts them."""
    convert: Convert | None = getattr(get(name), "converted", None)
    if convert is None:
        return model
    return convert(model, Path(platformdirs.user_cache_dir("edgecnn")) / "converted" / name / sha256)
