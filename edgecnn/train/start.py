"""Start a network of ours from the weights of a run: the same network, its last layer anew where the classes differ."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from edgecnn import checkpoint, qat
from edgecnn.checkpoint import Checkpoint, PixelClassifier
from edgecnn.errors import RecipeError
from edgecnn.networks._weights import unfit_to_start_from
from edgecnn.recipes.schema import Recipe
from edgecnn.train.examples import Examples

NETWORK = "network."
SHOWN = 3
CALIBRATION_IMAGES, CALIBRATION_BATCH = 512, 32


def take_weights(classifier: PixelClassifier, recipe: Recipe, labels: tuple[str, ...]) -> None:
    """Copy the weights of the run or checkpoint that a recipe starts from into its classifier, of these labels; where
    the recipe prunes and that run did not, those of its strongest channels. The preprocessing stays its own.

    Raises CheckpointError for what is no checkpoint, RecipeError where it holds another network.
    """
    source = Path(str(recipe.start_from))
    found = checkpoint.read(source)
    if found.recipe.quantization:
        raise RecipeError(
            f"start_from: {source} was trained with quantization, and has no norms left to train with. Start from the "
            f"run that it started from; to train it for longer: edgecnn train {source} --resume --epochs N"
        )
    own, given = classifier.network.state_dict(), _weights(found, recipe.prune)
    last = "" if found.labels == labels else f"{_last_layer(classifier)}."
    wrong = [name for name in (own | given) if not (last and name.startswith(last)) and _unfit(name, own, given)]
    if wrong:
        shown = ", ".join(wrong[:SHOWN]) + (", …" if len(wrong) > SHOWN else "")
        other = found.recipe.network.public()
        pruned = f", pruned by {found.recipe.prune:g}" if found.recipe.prune else ""
        alike = "the same network with the same parameters" + (" and the same prune" if pruned else "")
        raise RecipeError(
            f"start_from: {source} holds {other.name} with {dict(other.parameters)}{pruned}, and weights of it do not "
            f"fit here ({shown}). Use {alike}."
        )
    with torch.no_grad():
        for name, tensor in own.items():
            if not (last and name.startswith(last)):
                tensor.copy_(given[name])


def _weights(found: Checkpoint, share: float | None) -> dict[str, Tensor]:
    """Return the weights of a checkpoint by their names in the network, without its weakest channels where a network of
    fewer is to start from them."""
    if share is None or found.recipe.prune is not None:
        weights = found.weights.items()
        return {name.removeprefix(NETWORK): tensor for name, tensor in weights if name.startswith(NETWORK)}
    whole = found.build()
    checkpoint.thin(whole, found.golden_images_nhwc, share, weakest=True)
    return whole.network.state_dict()


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
