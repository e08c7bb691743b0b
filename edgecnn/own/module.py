"""A module of PyTorch that a user names: in a file of Python, saved by torch.export, or a library's.

A file of Python is the user's own code and is run, as importing it would. Nothing is unpickled: weights are read as
tensors, and an archive that holds more than tensors and a graph is refused.
"""

import copy
from dataclasses import dataclass, replace
from pathlib import Path
from types import FunctionType
from typing import Any

import torch
from torch import nn

from edgecnn import torch_state, zoo
from edgecnn.code_name import parts
from edgecnn.errors import ModelError
from edgecnn.networks import _code
from edgecnn.networks._code import said
from edgecnn.networks._weights import named_as, read_weights, unfit
from edgecnn.own import library
from edgecnn.own.archive import of_archive


@dataclass(frozen=True)
class Own:
    """A module on the processor, in float32, for inference; what it is called, and what was done to it, a sentence
    each. ``transform`` and ``labels`` are those of its weights, where a library has them."""

    name: str
    module: nn.Module
    remarks: tuple[str, ...]
    is_random: bool = False
    transform: Any = None
    labels: tuple[str, ...] | None = None


def is_named(model: object) -> bool:
    """Tell whether this is a module, FILE.py:NAME, LIBRARY:NAME or an archive, and not a run."""
    return isinstance(model, nn.Module) or zoo.is_module(str(model))


def opened(
    model: str | Path | nn.Module,
    weights: str | Path | None,
    *,
    classes: int | None = None,
    shape: tuple[int, int, int] | None = None,
) -> Own:
    """Return a module for inference, a copy of its own. A library's is made for so many ``classes``, where they are not
    those of its weights, and for pictures of that ``shape``.

    Raises ModelError, or RecipeError for weights.
    """
    if isinstance(model, nn.Module):
        return _prepared(type(model).__name__, model, weights, fresh=False)
    address = str(model)
    if library.is_named(address):
        return _of_library(address, weights, classes, shape)
    if address.endswith(zoo.ARCHIVE):
        if weights is not None:
            raise ModelError(f"{model}: has its weights inside. Leave out --weights.")
        return Own(address, of_archive(Path(model)), ())
    found = named(address)
    if isinstance(found, nn.Module):
        return _prepared(address, found, weights, fresh=False)
    return _prepared(address, _called(address, found), weights, fresh=True)


def named(address: str) -> Any:
    """Return what FILE.py:NAME has. Raises ModelError."""
    path, name = parts(address)
    return _code.member(_code.run(path, _code.read(path, "a module of PyTorch"), neighbors=True), name, path)


def transform(address: str) -> Any:
    """Return the transform that FILE.py:NAME is, or that a function of that name returns. Raises ModelError."""
    found = named(address)
    if not isinstance(found, FunctionType):
        return found
    try:
        return found()
    except Exception as error:
        raise ModelError(
            f"{address}: cannot be called without arguments ({said(error)}). Name a transform, or a function that "
            "returns one."
        ) from error


def _of_library(
    address: str, weights: str | Path | None, classes: int | None, shape: tuple[int, int, int] | None
) -> Own:
    made = library.made(address, trained=weights is None, classes=classes, shape=shape)
    is_file = weights is not None and str(weights) != library.NO_WEIGHTS
    found = _prepared(address, made.module, weights if is_file else None, fresh=weights is not None)
    return replace(found, transform=made.transform, labels=made.labels)


def _called(address: str, found: Any) -> nn.Module:
    """Return what a class or a function makes, the same whenever it is called."""
    if not callable(found):
        raise ModelError(f"{address}: is a {type(found).__name__}; expected a module, its class, or a function.")
    with torch_state.random_state(torch.device("cpu")):
        torch.manual_seed(0)
        try:
            made = found()
        except Exception as error:
            raise ModelError(
                f"{address}: cannot be called without arguments ({said(error)}). Name a function that returns the "
                "module, such as: def net(): return Net(classes=10)"
            ) from error
    if not isinstance(made, nn.Module):
        raise ModelError(f"{address}: returned a {type(made).__name__}; expected a torch.nn.Module.")
    return made


def _prepared(name: str, module: nn.Module, weights: str | Path | None, *, fresh: bool) -> Own:
    remarks = []
    if module.training and not fresh:
        remarks.append("it was in training mode; the file answers as in inference mode (eval).")
    own = copy.deepcopy(module).cpu().float().eval()
    if weights is not None:
        remarks += _load(own, Path(weights), name)
    elif fresh:
        remarks.append("its weights are as it is made, with seed 0: no file of weights was named.")
    return Own(name, own, tuple(remarks), is_random=fresh and weights is None)


def _load(module: nn.Module, path: Path, name: str) -> list[str]:
    """Put a state dict into a module, all of it."""
    wanted = module.state_dict()
    found = named_as(read_weights(path), wanted)
    lacking = [key for key in wanted if key not in found.tensors]
    beyond = [key for key in found.tensors if key not in wanted]
    if lacking or beyond:
        raise ModelError(
            f"{path}: does not fit {name}. {_listed('It lacks', lacking)}{_listed('It has in addition', beyond)}"
            "Name the weights of this module."
        )
    for key, tensor in wanted.items():
        given = found.tensors[key]
        reason = unfit(given, tensor) or (
            f"has shape {tuple(given.shape)}; expected {tuple(tensor.shape)}" if given.shape != tensor.shape else None
        )
        if reason:
            raise ModelError(f"{path}: does not fit {name}: {key} {reason}.")
    module.load_state_dict(found.tensors)
    return [f"of {path.name}: {one}." for one in found.said]


def _listed(words: str, names: list[str]) -> str:
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return f"{words} {shown} ({len(names)}). " if names else ""
