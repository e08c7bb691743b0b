"""Optimizers and learning-rate schedules: one table entry for each word that a recipe may use."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn, optim

from edgecnn.recipes.schema import Optimizer, Recipe, Rest, Schedule
from edgecnn.train.muon import Muon

Groups = list[dict[str, Any]]

OPTIMIZERS: dict[str, Callable[[Groups, Any], optim.Optimizer]] = {
    "sgd": lambda groups, o: optim.SGD(
        groups, lr=o.learning_rate, momentum=o.momentum, nesterov=o.nesterov, fused=True
    ),
    "asgd": lambda groups, o: optim.ASGD(groups, lr=o.learning_rate),
    "adam": lambda groups, o: optim.Adam(groups, lr=o.learning_rate, fused=True),
    "adamw": lambda groups, o: optim.AdamW(groups, lr=o.learning_rate, fused=True),
    "rmsprop": lambda groups, o: optim.RMSprop(groups, lr=o.learning_rate, momentum=o.momentum),
    "muon": lambda groups, o: Muon(groups, lr=o.learning_rate, momentum=o.momentum, nesterov=o.nesterov),
}

# After warm-up: from the fraction of the remaining steps that are done, 0..1, to the factor on the learning rate.
SCHEDULES: dict[str, Callable[[float, Schedule], float]] = {
    "constant": lambda done, s: 1.0,
    "cosine": lambda done, s: 0.5 * (1 + math.cos(math.pi * done)),
    "linear": lambda done, s: 1 - done,
    "step": lambda done, s: s.step_factor ** sum(done >= at for at in s.step_at),
    "one-cycle": lambda done, s: 0.5 * (1 + math.cos(math.pi * done)),
}
ONE_CYCLE_START = 1 / 25


class Steps:
    """The optimizers of one training, stepped as one; the learning rates of all follow one schedule."""

    def __init__(self, optimizers: list[optim.Optimizer], filters: "Filters") -> None:
        self.optimizers, self.filters = optimizers, filters
        self.groups = [group for optimizer in optimizers for group in optimizer.param_groups]
        for group in self.groups:
            group["base"] = group["lr"]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        self.filters.zero_grad()

    def step(self, factor: float) -> None:
        """Take a step with the recipe's learning rates times ``factor``."""
        for group in self.groups:
            group["lr"] = group["base"] * factor
        self.filters.take_gradients()
        for optimizer in self.optimizers:
            _start_momentum(optimizer)
            optimizer.step()

    @property
    def learning_rate(self) -> float:
        """The rate of the last step, of the recipe's own optimizer."""
        return float(self.groups[0]["lr"])

    def state_dict(self) -> list[dict[str, Any]]:
        """Return what a resume needs."""
        return [optimizer.state_dict() for optimizer in self.optimizers]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """Take up ``state_dict``."""
        for optimizer, state in zip(self.optimizers, states, strict=True):
            optimizer.load_state_dict(state)
        self.groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]


class Filters:
    """Convolution filters and hidden layers as the matrices that Muon takes: one row an output, memory shared."""

    def __init__(self, parameters: list[nn.Parameter], normalized: bool) -> None:
        self.parameters, self.normalized = parameters, normalized
        self.matrices = [nn.Parameter(_as_matrix(parameter.detach(), like=parameter)) for parameter in parameters]
        for parameter, matrix in zip(parameters, self.matrices, strict=True):
            assert parameter.data_ptr() == matrix.data_ptr()

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def take_gradients(self) -> None:
        """Hand the filters' gradients to the matrices; bring each filter bank to the norm of its identity first."""
        for parameter, matrix in zip(self.parameters, self.matrices, strict=True):
            if parameter.grad is None:
                continue
            matrix.grad = _as_matrix(parameter.grad, like=parameter)
            if self.normalized:
                matrix.data.mul_(math.sqrt(len(matrix)) / torch.linalg.vector_norm(matrix.data))


def make_optimizer(network: nn.Module, recipe: Recipe) -> Steps:
    """Return the recipe's optimizer; biases and norms (one-dimensional parameters) are not decayed.

    Muon (Jordan et al. 2024) takes the weights of every layer but the last, ``optimizer.rest`` all else.
    """
    wanted = recipe.optimizer
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if wanted.rest is None:
        return Steps([_optimizer(parameters, wanted, recipe)], Filters([], normalized=False))
    weights = [parameter for parameter in parameters if parameter.ndim > 1][:-1]
    filters = Filters(weights, wanted.unit_filters)
    taken = {id(parameter) for parameter in weights}
    rest = [parameter for parameter in parameters if id(parameter) not in taken]
    optimizers = [_optimizer(filters.matrices, wanted, recipe)] if weights else []
    return Steps([*optimizers, _optimizer(rest, wanted.rest, recipe)], filters)


def factor(schedule: Schedule, step: int, steps: int) -> float:
    """Return the factor on the learning rate of one step out of ``steps``: it follows from the step's number, so that
    a resume has no state."""
    done = step / steps
    if done >= schedule.warmup:
        return SCHEDULES[schedule.name]((done - schedule.warmup) / (1 - schedule.warmup), schedule)
    risen = (step + 1) / (schedule.warmup * steps + 1)
    if schedule.name == "one-cycle":
        return ONE_CYCLE_START + (1 - ONE_CYCLE_START) * 0.5 * (1 - math.cos(math.pi * risen))
    return risen


def _optimizer(parameters: list[nn.Parameter], wanted: Optimizer | Rest, recipe: Recipe) -> optim.Optimizer:
    groups: Groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.regularization.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return OPTIMIZERS[wanted.name]([group for group in groups if group["params"]], wanted)


def _start_momentum(optimizer: optim.Optimizer) -> None:
    """Give what has been unfrozen a momentum of zero, its start: fused SGD takes one for all parameters or for none."""
    for group in optimizer.param_groups if isinstance(optimizer, optim.SGD) else ():
        learning = [parameter for parameter in group["params"] if parameter.grad is not None]
        new = [parameter for parameter in learning if "momentum_buffer" not in optimizer.state[parameter]]
        for parameter in new if len(new) < len(learning) and group["momentum"] else ():
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)


def _as_matrix(tensor: Tensor, like: Tensor) -> Tensor:
    """Flatten all but the first dimension, in the order in which ``like`` lies in memory."""
    if tensor.ndim == 4 and not like.is_contiguous():
        tensor = tensor.permute(0, 2, 3, 1)  # channels last
    return tensor.flatten(1)
