"""Architectures, one family per file, found by the file's name.

A file has ``build(*, size, channels, classes, …)``: from normalized pixels_nchw (N, channels, *size) to logits_nk
(N, classes). What it takes beyond those three are the parameters that a recipe may set, each with a default.
"""

import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgecnn.errors import RecipeError, nearest

if TYPE_CHECKING:
    from torch import nn

GIVEN = ("size", "channels", "classes")


def names() -> tuple[str, ...]:
    """Return the names of the architecture families, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def describe(name: str) -> str:
    """Return the first line of what a family says of itself."""
    return (_module(name).__doc__ or "").strip().splitlines()[0]


def parameters(name: str) -> dict[str, Any]:
    """Return what a recipe may set for a family, with the defaults."""
    signature = inspect.signature(_module(name).build)
    return {key: value.default for key, value in signature.parameters.items() if key not in GIVEN}


def build(name: str, settings: Mapping[str, Any], *, size: tuple[int, int], channels: int, classes: int) -> "nn.Module":
    """Build a network and see that it takes such images and answers with that many logits, else raise RecipeError."""
    import torch

    allowed = parameters(name)
    for key in settings:
        if key not in allowed:
            raise RecipeError(
                f"network {name} has no parameter '{key}'; it has {', '.join(allowed) or 'none'}."
                f"{nearest(key, allowed)}"
            )
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.filterwarnings("ignore", "Initializing zero-element")  # images too small; the next lines say so
            network: nn.Module = _module(name).build(size=size, channels=channels, classes=classes, **settings)
            logits_nk = network.eval()(torch.zeros(2, channels, *size))
    except (RuntimeError, ValueError, TypeError, ZeroDivisionError) as error:
        reason = str(error).splitlines()[0]
        raise RecipeError(
            f"network {name} with {dict(settings)} cannot take {size[0]}x{size[1]} images of {channels} channels "
            f"({reason})."
        ) from error
    assert logits_nk.shape == (2, classes), f"{name} answers {tuple(logits_nk.shape)} for {classes} classes"
    return network


def _module(name: str) -> Any:
    if name not in names():
        raise RecipeError(f"no network '{name}'; there is {', '.join(names())}.{nearest(name, names())}")
    return importlib.import_module(f"{__name__}.{name}")
