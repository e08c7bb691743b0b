"""Weights that a user brings: a state dict in .pth or .safetensors, found inside whatever it was saved in.

Nothing in such a file is run: torch reads it with ``weights_only=True``, safetensors holds tensors alone. What
frameworks put around a state dict (``{"state_dict": …}``) and in front of its names (``module.`` of DataParallel,
``_orig_mod.`` of torch.compile, ``model.`` of a wrapper) is taken off, and said. A tensor that could only be copied
with a loss is refused.
"""

import argparse
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from edgecnn import files
from edgecnn.errors import RecipeError

# What others save a state dict as, the most usual first; averages come after what they are averages of.
WRAPPERS = (
    "state_dict", "model_state_dict", "model", "net", "network", "module", "params", "weights",
    "model_ema", "state_dict_ema", "ema_state_dict", "ema", "params_ema",
)  # fmt: skip
INSIDE = re.compile(r"(?:^|(?<=\.))(?:_orig_mod|_fsdp_wrapped_module)\.")
SAVE = "torch.save(model.state_dict(), path)"
SHOWN = 3


@dataclass(frozen=True)
class Weights:
    """Tensors by name, and what was done to come by them, a sentence each."""

    tensors: dict[str, Tensor]
    said: tuple[str, ...] = ()


def read_weights(path: Path) -> Weights:
    """Read a file that a user names. Raises RecipeError for what is not weights."""
    start = _start(path)
    found = files.stand_in(path)
    if found:
        raise RecipeError(f"{path}: not weights.{found}")
    return _unwrapped(_loaded(path, start), path)


def named_as(weights: Weights, wanted: Iterable[str]) -> Weights:
    """Return the weights under the names that a network has, where its names lie behind one beginning."""
    known = set(wanted)
    inner = {INSIDE.sub("", name): tensor for name, tensor in weights.tensors.items()}
    said = ["took _orig_mod. (or an FSDP wrapper) out of the names"] if set(inner) != set(weights.tensors) else []
    prefix = _prefix(inner, known)
    if prefix:
        beside = [name for name in inner if not name.startswith(prefix)]
        inner = {name.removeprefix(prefix): tensor for name, tensor in inner.items() if name.startswith(prefix)}
        said.append(f"took {prefix} off the names" + (f" and left {_some(beside)} out" if beside else ""))
    return Weights(inner, (*weights.said, *said))


def unfit(given: Tensor, wanted: Tensor) -> str | None:
    """Say why a tensor cannot be copied into another of its shape without loss, or return None."""
    if given.is_meta:
        return "has a shape and no values (a meta tensor)"
    if given.layout != torch.strided or given.is_nested:
        return f"is stored as {str(given.layout).removeprefix('torch.')}; expected a plain tensor (.to_dense())"
    if given.is_quantized or given.dtype.is_complex or given.is_floating_point() != wanted.is_floating_point():
        return f"is {_dtype(given)}; expected {'floating point' if wanted.is_floating_point() else _dtype(wanted)}"
    return None


def unfit_to_start_from(given: Tensor, wanted: Tensor) -> str | None:
    """Say why a tensor is nothing to start a training from, or return None."""
    reason = unfit(given, wanted)
    if reason is None and given.is_floating_point() and not given.to(wanted.dtype).isfinite().all():
        return f"has values that are not finite in {_dtype(wanted)}"
    return reason


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(256)
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror or error}).") from error


def _loaded(path: Path, start: bytes) -> Any:
    try:
        if path.suffix == ".safetensors" or start[8:9] == b"{":
            return load_file(path)
        # A Namespace is what torchvision's training script saves along; it runs nothing.
        with warnings.catch_warnings(), torch.serialization.safe_globals([argparse.Namespace]):
            warnings.simplefilter("ignore")  # of sparse tensors, which are refused in our own words
            return torch.load(path, "cpu", weights_only=True)
    except (SafetensorError, OSError) as error:
        raise RecipeError(f"{path}: cannot be read ({error}).") from error
    except Exception as error:  # a broken archive or pickle raises nearly anything
        foreign = re.search(r"GLOBAL ([\w.]+)", str(error))
        found = f"holds {foreign[1]}, which is more than weights" if foreign else "broken, or more than weights"
        raise RecipeError(f"{path}: {found} ({type(error).__name__}). Write it with {SAVE}.") from error


def _unwrapped(content: Any, path: Path) -> Weights:
    """Take a state dict out of what it was saved in."""
    said: list[str] = []
    while isinstance(content, Mapping) and not _is_state(content):
        inside = [key for key in WRAPPERS if isinstance(content.get(key), Mapping) and content[key]]
        if not inside:
            break
        others = f"; {', '.join(inside[1:])} lies there too and was not taken" if inside[1:] else ""
        said.append(f"took {inside[0]} out of the file{others}")
        content = content[inside[0]]
    if not isinstance(content, Mapping) or not _is_state(content):
        found = f"has {_some(map(str, content))}" if isinstance(content, Mapping) else f"is a {type(content).__name__}"
        raise RecipeError(f"{path}: not a state dict (names and tensors): {found}. Write it with {SAVE}.")
    return Weights(dict(content), tuple(said))


def _is_state(content: Mapping[Any, Any]) -> bool:
    tensors = all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in content.items())
    return bool(content) and tensors


def _prefix(tensors: Mapping[str, Tensor], known: set[str]) -> str:
    """Return the beginning of names behind which the most are known."""
    found = {"": sum(name in known for name in tensors)}
    for name in tensors:
        parts = name.split(".")
        for depth in range(1, len(parts)):
            if ".".join(parts[depth:]) in known:
                prefix = ".".join(parts[:depth]) + "."
                found[prefix] = found.get(prefix, 0) + 1
    return max(found, key=lambda prefix: (found[prefix], -len(prefix)))


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:SHOWN]) + (f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else "") or "nothing"
