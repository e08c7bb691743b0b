"""Networks by the name of their family, built and asked what they offer."""

import inspect
import warnings
from collections.abc import Mapping
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from edgecnn.card import CLASSIFICATION
from edgecnn.code_name import is_code, public
from edgecnn.errors import RecipeError, nearest
from edgecnn.networks import _own
from edgecnn.registry import NETWORKS
from edgecnn.text import excerpt

if TYPE_CHECKING:
    from torch import Tensor, nn

GIVEN = ("size", "channels", "classes")


def names(of_task: str | None = None) -> tuple[str, ...]:
    """Return the names of the architecture families, sorted: all of them, or those for a task."""
    return tuple(name for name in NETWORKS.names() if of_task is None or task(name) == of_task)


def task(name: str) -> str:
    """Return what a family's networks are for, where a recipe does not say otherwise."""
    found: str = getattr(_family(name)[0], "TASK", CLASSIFICATION)
    return found


def describe(name: str) -> str:
    """Return the first line of what a family says of itself."""
    return NETWORKS.describe(name.partition(":")[0])


def parameters(name: str) -> dict[str, Any]:
    """Return what a recipe may set for a family, with the defaults; not what the name sets already."""
    if is_code(name):
        return _own.parameters(name)
    module, named = _family(name)
    signature = inspect.signature(module.build)
    return {key: value.default for key, value in signature.parameters.items() if key not in (*GIVEN, *named)}


def build(name: str, settings: Mapping[str, Any], *, size: tuple[int, int], channels: int, classes: int) -> "nn.Module":
    """Build a network and see that it takes such images, else raise RecipeError."""
    import torch

    allowed, (module, named) = parameters(name), _family(name)
    for key in settings:
        if key not in allowed and not (is_code(name) and _own.takes_any(name)):
            raise RecipeError(
                f"network {public(name)} has no parameter '{key}'; it has {', '.join(allowed) or 'none'}."
                f"{nearest(key, allowed)}"
            )
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.filterwarnings("ignore", "Initializing zero-element")  # images too small; the next lines say so
            network: nn.Module = module.build(size=size, channels=channels, classes=classes, **named, **settings)
            answers = network.eval()(torch.zeros(2, channels, *size))
            if is_code(name):
                _own.check_answers(answers, 2, classes)
    except Exception as error:  # settings reach into torch's own constructors, which raise whatever they like
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise RecipeError(
            f"network {public(name)} with {excerpt(repr(dict(settings)))} cannot take {size[0]}x{size[1]} images "
            f"of {channels} channels ({reason})."
        ) from error
    return network


def initialize(name: str, settings: Mapping[str, Any], network: "nn.Module", pixels_nchw: "Tensor") -> tuple[str, ...]:
    """Let a family that starts from training images or from pretrained weights do so; return what it has to say."""
    module, named = _family(name)
    if not hasattr(module, "initialize"):
        return ()
    said: tuple[str, ...] | None = module.initialize(network, pixels_nchw, **named, **settings)
    return said or ()


def normalization(name: str, settings: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation by channel, of pixels in 0..1, that the weights were trained with.

    Raises RecipeError where a family has no weights to start from.
    """
    module, named = _family(name)
    if not hasattr(module, "normalization"):
        raise RecipeError(
            f'preprocess.scale is "weights", but network {public(name)} starts without any; use "standard", or '
            "torchvision."
        )
    mean_c, std_c = module.normalization(**named, **settings)
    return mean_c, std_c


def stages(name: str, network: "nn.Module") -> "list[nn.Module]":
    """Return the parts of a network from its last layer backwards. Raises RecipeError where a family has none."""
    module, _ = _family(name)
    if not hasattr(module, "stages"):
        raise RecipeError(
            f"network {public(name)} has no stages to unfreeze; leave out unfreeze_at, or use torchvision."
        )
    found: list[nn.Module] = module.stages(network)
    return found


def _family(name: str) -> tuple[Any, dict[str, str]]:
    """Return a family's module and the parameter that a short name such as torchvision:resnet50 sets."""
    if is_code(name):
        return SimpleNamespace(build=partial(_own.build, name)), {}
    family, colon, value = name.partition(":")
    module = NETWORKS.module(family)
    if not colon:
        return module, {}
    if not hasattr(module, "SHORT"):
        raise RecipeError(f"no network '{name}': {family} has no variants; write {family}.")
    return module, {module.SHORT: value}
