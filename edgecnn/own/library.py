"""Classifiers of torchvision and timm by name, with their weights and what goes with these: labels and a transform."""

import contextlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
from torch import nn

from edgecnn import torch_state, zoo
from edgecnn.errors import ModelError, missing_package, nearest
from edgecnn.networks._code import said
from edgecnn.text import excerpt

NO_WEIGHTS = "none"
Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Made:
    """A module as its library makes it. ``transform`` is the one of its weights, for inference, and ``labels`` are
    those of the answers where the weights are theirs."""

    module: nn.Module
    transform: Any
    labels: tuple[str, ...] | None


def is_named(address: str) -> bool:
    """Tell whether this is LIBRARY:NAME."""
    return address.startswith(zoo.LIBRARIES)


def made(address: str, *, trained: bool, classes: int | None, shape: Shape | None) -> Made:
    """Make LIBRARY:NAME: with the weights of the library where ``trained``, for its own classes then; else with random
    ones, the same each time, for so many ``classes``.

    Raises ModelError, or MissingPackageError for a library that is not installed.
    """
    library, _, name = address.partition(":")
    if shape is not None and shape[2] != 3:
        raise ModelError(f"{address}: takes color, 3 channels; --input said {shape[2]}.")
    with torch_state.random_state(torch.device("cpu")), contextlib.redirect_stdout(sys.stderr):
        torch.manual_seed(0)
        return (_of_timm if library == "timm" else _of_torchvision)(name, trained, classes, shape)


def timm() -> ModuleType:
    """Return the library. Raises MissingPackageError."""
    try:
        import timm as found
    except ModuleNotFoundError:
        raise missing_package("timm") from None
    return found


def check_timm(name: str) -> None:
    """Raise ModelError for a name that timm does not have; one may have a tag of weights: resnet18.a1_in1k."""
    if not timm().is_model(name):
        raise ModelError(f"timm has no model '{excerpt(name)}'.{nearest(name, timm().list_models())}")


def _of_timm(name: str, trained: bool, classes: int | None, shape: Shape | None) -> Made:
    library = timm()
    check_timm(name)
    try:
        options = {} if trained or classes is None else {"num_classes": classes}
        module: nn.Module = library.create_model(name, pretrained=trained, **options)
    except Exception as error:  # of the hub, of the network, or for a tag that is none
        raise ModelError(
            f"timm:{name}: cannot be made ({said(error)}). Its weights come over the network the first time; without "
            f"one, bring them from https://huggingface.co/{_hub(name)} and name them with --weights FILE, or say "
            f"--weights {NO_WEIGHTS} for random ones."
        ) from error
    size = {} if shape is None else {"input_size": (shape[2], *shape[:2])}
    transform = library.data.create_transform(**library.data.resolve_model_data_config(module, size), is_training=False)
    return Made(module.eval(), transform, _imagenet_of_timm(module) if trained else None)


def _hub(name: str) -> str:
    config = timm().get_pretrained_cfg(name)
    return str(getattr(config, "hf_hub_id", None) or "timm")


def _imagenet_of_timm(module: nn.Module) -> tuple[str, ...] | None:
    """Return the names of the classes, where they are a set of ImageNet's that timm knows."""
    known: Any = timm().data
    subset = known.infer_imagenet_subset(module)
    if not subset:
        return None
    info: Any = known.ImageNetInfo(subset)
    places = range(info.num_classes())
    return distinct(
        [info.index_to_description(place) for place in places], [info.index_to_label_name(place) for place in places]
    )


def distinct(names: Sequence[str], ids: Sequence[str]) -> tuple[str, ...]:
    """Return names with their ids where a name is there twice.

    >>> distinct(["crane", "tench", "crane"], ["n2", "n0", "n3"])
    ('crane (n2)', 'tench', 'crane (n3)')
    """
    return tuple(f"{name} ({own})" if names.count(name) > 1 else name for name, own in zip(names, ids, strict=True))


def _of_torchvision(name: str, trained: bool, classes: int | None, shape: Shape | None) -> Made:
    try:
        from torchvision import models
    except ModuleNotFoundError:
        raise missing_package("torchvision") from None
    known = models.list_models(module=models)
    if name not in known:
        raise ModelError(f"torchvision has no classifier '{excerpt(name)}'.{nearest(name, known)}")
    weights = models.get_model_weights(name).DEFAULT
    options = {} if trained or classes is None else {"num_classes": classes}
    try:
        module: nn.Module = models.get_model(name, weights=weights if trained else None, **options)
    except Exception as error:  # of the network, or a wrong checksum
        raise ModelError(
            f"torchvision:{name}: cannot be made ({said(error)}). Its weights come over the network the first time; "
            f"without one, bring them from {weights.url} and name them with --weights FILE, or say --weights "
            f"{NO_WEIGHTS} for random ones."
        ) from error
    preset = weights.transforms()
    if shape is not None:
        preset.crop_size, preset.resize_size = list(shape[:2]), [min(shape[:2])]
    return Made(module.eval(), preset, tuple(weights.meta["categories"]) if trained else None)
