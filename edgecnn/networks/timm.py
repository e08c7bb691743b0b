"""Any classifier of timm as timm:NAME; mobilenetv3_small_050, the default, has 578,474 parameters on 32x32 color.

``timm:resnet18`` is short for this family with ``model = "resnet18"``; a name may have a tag of weights,
``resnet18.a1_in1k``. timm comes with the extra ``timm``. ``weights`` come once, before training, as with torchvision:
``imagenet`` are those of the name, anything but ``none`` is the path of a state dict, .pth or .safetensors. Gray images
are repeated to three channels.
"""

import contextlib
import sys
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from edgecnn.errors import RecipeError, missing_package, nearest
from edgecnn.networks._library import Classifier, fix_pools, stages
from edgecnn.networks._pretrained import IMAGENET, NO_WEIGHTS, load, read_named
from edgecnn.networks._weights import Weights
from edgecnn.text import excerpt, shortened

__all__ = ["SHORT", "build", "initialize", "normalization", "stages"]

SHORT = "model"  # timm:NAME sets it
DEFAULT = "mobilenetv3_small_050"


def build(
    *, size: tuple[int, int], channels: int, classes: int, model: str = DEFAULT, weights: str = NO_WEIGHTS
) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk, with fresh weights whatever ``weights`` says."""
    config = _config(model)
    if not isinstance(weights, str):
        raise TypeError(f"weights is {weights!r}; expected {NO_WEIGHTS}, {IMAGENET} or a path")
    options: dict[str, Any] = {"img_size": size} if config.fixed_input_size else {}
    network: nn.Module = _library().create_model(model, pretrained=False, num_classes=classes, **options)
    fix_pools(network.eval(), size)
    return Classifier(network)


def initialize(
    network: nn.Module, pixels_nchw: Tensor, *, model: str = DEFAULT, weights: str = NO_WEIGHTS
) -> tuple[str, ...]:
    """Load the weights, all but those of a last layer for other classes, and return what was done for it. Raises
    RecipeError where they cannot be had or do not fit."""
    if weights == NO_WEIGHTS:
        return ()
    found = _trained(model) if weights == IMAGENET else read_named(weights)
    return load(network.model, found, f"the weights for {model} ({weights})")  # type: ignore[arg-type]


def normalization(*, model: str = DEFAULT, weights: str = NO_WEIGHTS) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation by channel, of pixels in 0..1, that the weights of the name were trained with.

    Raises RecipeError without weights.
    """
    config = _config(model)
    if weights == NO_WEIGHTS:
        raise RecipeError(
            'preprocess.scale is "weights", but the network starts without any; set network.parameters.weights to '
            f'"{IMAGENET}" or the path of a state dict, or preprocess.scale to "standard".'
        )
    return list(config.mean), list(config.std)


def _config(model: str) -> Any:
    """Return what timm knows of the weights of a name. Raises RecipeError for a name that it does not have."""
    if not _library().is_model(str(model)):
        raise RecipeError(f"timm has no model '{excerpt(str(model))}'.{nearest(str(model), _library().list_models())}")
    return _library().get_pretrained_cfg(model)


def _trained(model: str) -> Weights:
    try:
        with contextlib.redirect_stdout(sys.stderr):
            state = _library().create_model(model, pretrained=True).state_dict()
    except (OSError, RuntimeError) as error:  # of the network, or there are none for this name
        where = _config(model).hf_hub_id
        raise RecipeError(
            f"the weights of {model} could not be had ({shortened(' '.join(str(error).split()), 200)}). Without a "
            f"network, bring them from https://huggingface.co/{where} and name them: "
            "network.parameters.weights=model.safetensors with its path."
        ) from error
    return Weights(dict(state))


def _library() -> ModuleType:
    try:
        import timm
    except ModuleNotFoundError:
        raise missing_package("timm") from None
    return timm
