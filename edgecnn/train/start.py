"""Start a network of ours from the weights of a run: the same network, its last layer anew where the classes differ."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from edgecnn import checkpoint, qat
from edgecnn.checkpoint import PixelClassifier
from edgecnn.errors import RecipeError
from edgecnn.networks._weights import unfit_to_start_from
from edgecnn.train.examples import Examples

NETWORK = "network."
SHOWN = 3
CALIBRATION_IMAGES, CALIBRATION_BATCH = 512, 32


def take_weights(classifier: PixelClassifier, source: Path, labels: tuple[str, ...]) -> None:
    """Copy the weights of a run or checkpoint into a classifier of these labels. The preprocessing stays its own.

    Raises CheckpointError for what is no checkpoint, RecipeError where it holds another network.
    """
    found = checkpoint.read(source)
    if found.recipe.quantization:
        raise RecipeError(
            f"start_from: {source} was trained with quantization, and has no norms left to train with. Start from the "
            f"run that it started from; to train it for longer: edgecnn train {source} --resume --epochs N"
        )
    own = classifier.network.state_dict()
    given = {name.removeprefix(NETWORK): tensor for name, tensor in found.weights.items() if name.startswith(NETWORK)}
    last = "" if found.labels == labels else f"{_last_layer(classifier)}."
    wrong = [name for name in (own | given) if not (last and name.startswith(last)) and _unfit(name, own, given)]
    if wrong:
        shown = ", ".join(wrong[:SHOWN]) + (", …" if len(wrong) > SHOWN else "")
        other = found.recipe.network.public()
        raise RecipeError(
            f"start_from: {source} holds {other.name} with {dict(other.parameters)}, and weights of it do not fit "
            f"here ({shown}). Use the same network with the same parameters."
        )
    with torch.no_grad():
        for name, tensor in own.items():
            if not (last and name.startswith(last)):
                tensor.copy_(given[name])


def start_rounding(classifier: PixelClassifier, examples: Examples, *, calibrated: bool) -> None:
    """Have a classifier with the weights that it starts from round as its int8 file will; ``calibrated`` with the
    ranges that some of the training images give. Raises RecipeError where its network cannot be traced."""
    device = classifier.scale.device
    chosen = np.sort(np.random.default_rng(0).permutation(len(examples))[:CALIBRATION_IMAGES])
    images = torch.from_numpy(examples.at(chosen)).to(device)
    checkpoint.round_as_int8(classifier, images)
    if calibrated:
        batches = torch.split(images, CALIBRATION_BATCH)
        qat.calibrate(classifier.network, (classifier.normalized(batch) for batch in batches))


def _unfit(name: str, own: dict[str, Tensor], given: dict[str, Tensor]) -> bool:
    if name not in own or name not in given or own[name].shape != given[name].shape:
        return True
    return unfit_to_start_from(given[name], own[name]) is not None


def _last_layer(classifier: PixelClassifier) -> str:
    """Return the name of the layer with the last weights."""
    return [name for name, _ in classifier.network.named_parameters()][-1].rpartition(".")[0]
