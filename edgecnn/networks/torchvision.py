"""Any classifier of torchvision as torchvision:NAME; resnet18, the default, has 11,181,642 parameters on 32x32 color.

``torchvision:resnet50`` is short for this family with ``model = "resnet50"``. ``build`` only makes the architecture,
its last layer for the recipe's classes, so that a checkpoint is rebuilt without any other file; the weights come once,
before training (``initialize``): ``imagenet`` are torchvision's default ones for that model, anything but ``none`` is
the path of a state dict, .pth or .safetensors. Gray images are always repeated to three channels, so that a network is
the same with and without ImageNet. The extra outputs that two models train with are left out.
"""

import contextlib
import http.client
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision import models

from edgecnn.errors import RecipeError, nearest
from edgecnn.networks._library import Classifier, fix_pools, stages
from edgecnn.networks._pretrained import IMAGENET, NO_WEIGHTS, load, read_named
from edgecnn.networks._weights import Weights, read_weights

__all__ = ["SHORT", "build", "initialize", "normalization", "stages"]

SHORT = "model"  # torchvision:NAME sets it
AUXILIARY = re.compile(r"(aux\d|AuxLogits)\.")
OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.(?=\d)")


def build(
    *, size: tuple[int, int], channels: int, classes: int, model: str = "resnet18", weights: str = NO_WEIGHTS
) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk, with fresh weights whatever ``weights`` says."""
    _check(model)
    if not isinstance(weights, str):
        raise TypeError(f"weights is {weights!r}; expected {NO_WEIGHTS}, {IMAGENET} or a path")
    try:
        network: nn.Module = models.get_model(
            model, weights=None, num_classes=classes, **_options(model, size, pretrained=weights != NO_WEIGHTS)
        )
        fix_pools(network.eval(), size)
    except AssertionError as error:
        raise ValueError(error) from error  # how some of torchvision's models refuse a size
    return Classifier(network)


def initialize(
    network: nn.Module, pixels_nchw: Tensor, *, model: str = "resnet18", weights: str = NO_WEIGHTS
) -> tuple[str, ...]:
    """Load the weights, all but those of a last layer for other classes, and return what was done for it. Raises
    RecipeError where they cannot be had or do not fit."""
    if weights == NO_WEIGHTS:
        return ()
    found = _imagenet(model) if weights == IMAGENET else read_named(weights)
    found = replace(found, tensors={OLD_DENSENET.sub(r"\1", key): tensor for key, tensor in found.tensors.items()})
    return load(network.model, found, f"the weights for {model} ({weights})", beside=AUXILIARY)  # type: ignore[arg-type]


def normalization(*, model: str = "resnet18", weights: str = NO_WEIGHTS) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation by channel, of pixels in 0..1, that the ImageNet weights were trained with.

    A file of weights is taken to be trained like these. Raises RecipeError without weights.
    """
    _check(model)
    if weights == NO_WEIGHTS:
        raise RecipeError(
            'preprocess.scale is "weights", but the network starts without any; set network.parameters.weights to '
            f'"{IMAGENET}" or the path of a state dict, or preprocess.scale to "standard".'
        )
    transforms = models.get_model_weights(model).DEFAULT.transforms()
    return list(transforms.mean), list(transforms.std)


def _check(model: str) -> None:
    known = models.list_models(module=models)
    if model not in known:
        hint = nearest(str(model), known) or f" It has {', '.join(known)}."
        raise RecipeError(f"torchvision has no classifier '{model}'.{hint}")


def _options(model: str, size: tuple[int, int], *, pretrained: bool) -> dict[str, Any]:
    """Return what a model has to be told beside its classes."""
    if model in ("googlenet", "inception_v3"):  # the weights were trained on [-1, 1], and this is what brings it about
        return {"aux_logits": False, "init_weights": not pretrained, "transform_input": pretrained}
    if model.startswith("vit"):
        return {"image_size": size[0]}
    return {"input_size": size} if model.startswith("maxvit") else {}


def _imagenet(model: str) -> Weights:
    found = models.get_model_weights(model).DEFAULT
    name = found.url.rpartition("/")[2]
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    if (folder / name).exists():
        return read_weights(folder / name)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # torch announces the download where results belong
            state: dict[str, Tensor] = found.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, http.client.HTTPException, RuntimeError) as error:  # RuntimeError is a wrong checksum
        raise RecipeError(
            f"the ImageNet weights of {model} could not be downloaded ({error}). Without a network, bring {name} from "
            f"{found.url} and put it into {folder}, or name it: network.parameters.weights={name} with its path."
        ) from error
    return Weights(dict(state))
