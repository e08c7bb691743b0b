"""Muon whose steps are made orthogonal in float32: those of PyTorch are in bfloat16, which a processor without it
multiplies on one thread, at a quarter of the time of a training."""

import math
from typing import Any

import torch
from torch import Tensor, optim


class Muon(optim.Muon):
    """Muon (Jordan et al. 2024) with PyTorch's settings and state, in the parameters' own precision."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take a step by the gradients that are there; a closure that takes them first is not for this one."""
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    self._move(matrix, matrix.grad, group)

    def _move(self, matrix: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[matrix]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        momentum = state["momentum_buffer"].lerp_(gradient, 1 - group["momentum"])
        direction = gradient.lerp(momentum, group["momentum"]) if group["nesterov"] else momentum
        step = orthogonal(direction, group["ns_coefficients"], group["ns_steps"], group["eps"])
        rows, columns = matrix.shape
        matrix.mul_(1 - group["lr"] * group["weight_decay"])
        matrix.add_(step, alpha=-group["lr"] * math.sqrt(max(1.0, rows / columns)))


def orthogonal(matrix: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """Return a matrix of the same singular vectors whose singular values are all near 1, by the quintic Newton-Schulz
    iteration with Muon's coefficients (Jordan et al. 2024); of a matrix of zeros, zeros."""
    linear, cubic, quintic = coefficients
    tall = len(matrix) > matrix.shape[1]
    wide = matrix.T if tall else matrix
    wide = wide / torch.linalg.vector_norm(wide).clamp(min=eps)
    for _ in range(steps):
        gram = wide @ wide.T
        wide = torch.addmm(wide, torch.addmm(gram, gram, gram, beta=cubic, alpha=quintic), wide, beta=linear)
    return wide.T if tall else wide
