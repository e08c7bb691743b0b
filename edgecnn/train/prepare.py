"""What a recipe learns with: the network with its preprocessing set, and with the weights that it starts from."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray

from edgecnn import networks, torch_state
from edgecnn.checkpoint import PixelClassifier, build_classifier, task_of
from edgecnn.errors import RecipeError
from edgecnn.recipes.schema import Recipe
from edgecnn.registry import TASKS
from edgecnn.train.examples import Examples, Prepared
from edgecnn.train.objective import Objective

INITIAL_IMAGES, INITIAL_VALUES = 5_000, 5_000 * 32 * 32 * 3  # what a network may look at before it starts, at most
FLAT = 1 / 255  # a deviation of one gray level, of pixels in 0..1


class LearningTask(Protocol):
    """What a training asks of a task."""

    def prepare(self, recipe: Recipe, root: str | Path | None) -> Prepared:
        """Read the examples that a recipe trains on and those that it validates on."""

    def objective(self, recipe: Recipe, labels: int, device: torch.device) -> Objective:
        """Return the loss and the figures of a training."""


def learning_task(recipe: Recipe) -> LearningTask:
    """Return what a recipe trains for."""
    return cast(LearningTask, TASKS.module(task_of(recipe)))


def initial_classifier(
    recipe: Recipe, prepared: Prepared, say: Callable[[str], None] = lambda remark: None
) -> PixelClassifier:
    """Return the recipe's network with weights drawn from its seed and the preprocessing that it asks for.

    ``say`` is told what a user would not expect, a sentence each.
    """
    torch_state.seed(recipe.seed, torch.device("cpu"))
    classifier = build_classifier(recipe, prepared.shape, len(prepared.train.labels))
    mean_c, std_c = _mean_and_std(recipe, prepared.train, prepared.shape.channels, say)
    classifier.scale.copy_(torch.tensor(1 / (255 * std_c)).reshape(classifier.scale.shape))
    classifier.shift.copy_(torch.tensor(-mean_c / std_c).reshape(classifier.shift.shape))
    with torch.no_grad():
        count = min(INITIAL_IMAGES, max(1, INITIAL_VALUES // int(np.prod(prepared.shape.shape))))
        first = torch.from_numpy(prepared.train.first(count))
        for remark in networks.initialize(
            recipe.network.name, recipe.network.parameters, classifier.network, classifier.normalized(first)
        ):
            say(f"weights: {remark}")
    return classifier


def _mean_and_std(
    recipe: Recipe, examples: Examples, channels: int, say: Callable[[str], None]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation by channel, of pixels in 0..1."""
    wanted = recipe.preprocess
    mean_c, std_c = np.zeros(channels), np.ones(channels)
    if wanted.scale == "weights":
        given_mean, given_std = networks.normalization(recipe.network.name, recipe.network.parameters)
        gray = channels == 1  # the mean over the colors; with data.color = "rgb" each has its own
        mean_c[:], std_c[:] = (np.mean(values) if gray else values for values in (given_mean, given_std))
    if wanted.scale == "standard":
        counts_cv = np.sum([_counts(images_nhwc) for images_nhwc in examples.chunks()], axis=0)
        values, total = np.arange(256) / 255, counts_cv[0].sum()
        mean_c = counts_cv @ values / total
        std_c = np.sqrt((counts_cv * (values - mean_c[:, None]) ** 2).sum(axis=1) / total)
        flat_c = std_c < FLAT
        if flat_c.any() and wanted.std is None:
            numbers = ", ".join(str(channel) for channel in np.flatnonzero(flat_c))
            say(
                f"channel {numbers} has nearly one value in all training images, so it is not divided by its "
                "deviation: any other value would drown the rest."
            )
            std_c[flat_c] = 1.0
    for key, given, result in (("mean", wanted.mean, mean_c), ("std", wanted.std, std_c)):
        if given is not None and len(given) != channels:
            raise RecipeError(f"preprocess.{key} has {len(given)} numbers; the images have {channels} channels.")
        result[:] = result if given is None else given
    return mean_c, np.maximum(std_c, 1e-8)


def _counts(images_nhwc: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how often each channel has each value."""
    return np.stack([np.bincount(images_nhwc[..., c].ravel(), minlength=256) for c in range(images_nhwc.shape[3])])
