"""Architectures, one family per file, found by the file's name.

A file has ``build(*, size, channels, classes, …)``: from normalized pixels_nchw (N, channels, *size) to logits_nk
(N, classes). What it takes beyond those three are the parameters that a recipe may set, each with a default. A file
whose name begins with an underscore is shared by the others.

Two functions more are a file's own choice: ``initialize(network, pixels_nchw, **parameters)`` sets weights from the
first training images or from a file, once, before training; ``stages(network)`` lists its parts from the last layer
backwards, for recipes that unfreeze them one by one.
"""

import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgecnn.errors import RecipeError, nearest

if TYPE_CHECKING:
    from torch import Tensor, nn

GIVEN = ("size", "channels", "classes")


def names() -> tuple[str, ...]:
    """Return the names of the architecture families, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))


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
    except (RuntimeError, ValueError, TypeError, IndexError, ZeroDivisionError) as error:
        reason = str(error).splitlines()[0]
        raise RecipeError(
            f"network {name} with {dict(settings)} cannot take {size[0]}x{size[1]} images of {channels} channels "
            f"({reason})."
        ) from error
    assert logits_nk.shape == (2, classes), f"{name} answers {tuple(logits_nk.shape)} for {classes} classes"
    return network


def initialize(name: str, settings: Mapping[str, Any], network: "nn.Module", pixels_nchw: "Tensor") -> None:
    """Let a family that starts from training images or from pretrained weights do so."""
    start = getattr(_module(name), "initialize", None)
    if start is not None:
        start(network, pixels_nchw, **settings)


def stages(name: str, network: "nn.Module") -> "list[nn.Module]":
    """Return the parts of a network from its last layer backwards. Raises RecipeError where a family has none."""
    module = _module(name)
    if not hasattr(module, "stages"):
        raise RecipeError(f"network {name} has no stages to unfreeze; leave out unfreeze_at, or use torchvision.")
    found: list[nn.Module] = module.stages(network)
    return found


def _module(name: str) -> Any:
    if name not in names():
        raise RecipeError(f"no network '{name}'; there is {', '.join(names())}.{nearest(name, names())}")
    return importlib.import_module(f"{__name__}.{name}")
