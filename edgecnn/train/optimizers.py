"""Optimizers and learning-rate schedules: one table entry for each word that a recipe may use."""

import math
from collections.abc import Callable

from torch import nn, optim

from edgecnn.recipes.schema import Optimizer, Recipe, Schedule

Groups = list[dict[str, object]]

OPTIMIZERS: dict[str, Callable[[Groups, Optimizer], optim.Optimizer]] = {
    "sgd": lambda groups, o: optim.SGD(
        groups, lr=o.learning_rate, momentum=o.momentum, nesterov=o.nesterov, fused=True
    ),
    "asgd": lambda groups, o: optim.ASGD(groups, lr=o.learning_rate),
    "adam": lambda groups, o: optim.Adam(groups, lr=o.learning_rate, fused=True),
    "adamw": lambda groups, o: optim.AdamW(groups, lr=o.learning_rate, fused=True),
    "rmsprop": lambda groups, o: optim.RMSprop(groups, lr=o.learning_rate, momentum=o.momentum),
}

# After warm-up: from the fraction of the remaining steps that are done, 0..1, to the factor on the learning rate.
SCHEDULES: dict[str, Callable[[float, Schedule], float]] = {
    "constant": lambda done, s: 1.0,
    "cosine": lambda done, s: 0.5 * (1 + math.cos(math.pi * done)),
    "linear": lambda done, s: 1 - done,
    "step": lambda done, s: s.step_factor ** sum(done >= at for at in s.step_at),
}


def make_optimizer(network: nn.Module, recipe: Recipe) -> optim.Optimizer:
    """Return the recipe's optimizer; biases and norms (one-dimensional parameters) are not decayed."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups: Groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.regularization.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return OPTIMIZERS[recipe.optimizer.name]([group for group in groups if group["params"]], recipe.optimizer)


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Return the learning rate of one step out of ``steps``: a function of its number, so a resume has no state."""
    schedule, done = recipe.schedule, step / steps
    if done < schedule.warmup:
        return recipe.optimizer.learning_rate * (step + 1) / (schedule.warmup * steps + 1)
    rest = (done - schedule.warmup) / (1 - schedule.warmup)
    return recipe.optimizer.learning_rate * SCHEDULES[schedule.name](rest, schedule)
