"""Weights that a network starts from: named by a recipe, copied where they fit, the last layer anew."""

import re
from pathlib import Path

from torch import Tensor, nn

from edgecnn.errors import RecipeError
from edgecnn.networks._weights import Weights, named_as, read_weights, unfit_to_start_from

NO_WEIGHTS, IMAGENET = "none", "imagenet"
COUNTER = "num_batches_tracked"
MISFITS_SHOWN = 3


def read_named(weights: str) -> Weights:
    """Read the state dict that a recipe names. Raises RecipeError."""
    path = Path(weights).expanduser()
    if not path.is_file():
        raise RecipeError(
            f"network.parameters.weights is '{path}': no such file; expected {NO_WEIGHTS}, {IMAGENET}, or the path of "
            "a state dict (.pth, .safetensors)."
        )
    return read_weights(path)


def load(model: nn.Module, weights: Weights, source: str, *, beside: re.Pattern[str] | None = None) -> tuple[str, ...]:
    """Copy every tensor that fits, but for those that ``beside`` matches, which either side may have, and say what was
    done for it.

    Raises RecipeError for a state whose misfits are more than a last layer of another size.
    """
    state, head = model.state_dict(), _head(model)
    found = named_as(weights, state)
    wanted, given = (
        {key: tensor for key, tensor in tensors.items() if beside is None or not beside.match(key)}
        for tensors in (state, found.tensors)
    )
    misfits = [
        f"{key} {_misfit(given.get(key), wanted.get(key))}"
        for key in dict.fromkeys((*wanted, *given))
        if _misfit(given.get(key), wanted.get(key)) and key.rpartition(".")[0] != head and COUNTER not in key
    ]
    if misfits:
        more = f" and {len(misfits) - MISFITS_SHOWN} more" if len(misfits) > MISFITS_SHOWN else ""
        raise RecipeError(
            f"{source} do not fit: {'; '.join(misfits[:MISFITS_SHOWN])}{more}. Bring those of the same model, trained "
            "on the same size where the model depends on it."
        )
    fresh = any(_misfit(given.get(key), wanted[key]) for key in wanted if key.rpartition(".")[0] == head)
    for key, tensor in wanted.items():
        if key in given and not (fresh and key.rpartition(".")[0] == head) and not _misfit(given[key], tensor):
            tensor.copy_(given[key])
    return (*found.said, f"the last layer, {head}, starts anew") if fresh else found.said


def _misfit(given: Tensor | None, wanted: Tensor | None) -> str | None:
    """Say how a tensor differs from the one that is wanted, or return None where it can be copied."""
    if given is None or wanted is None or given.shape != wanted.shape:
        return f"is {_shape(given)}, expected {_shape(wanted)}"
    return unfit_to_start_from(given, wanted)


def _head(model: nn.Module) -> str:
    """Return the name of the last layer."""
    layers: list[str] = [name for name, layer in model.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    return layers[-1]


def _shape(tensor: Tensor | None) -> str:
    return "missing" if tensor is None else "x".join(map(str, tensor.shape)) or "a number"
