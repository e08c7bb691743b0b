"""What looks at a whole batch inside a network, where each process has a part of it: batch norms, and random draws.

Batch norms take mean and variance over the images of all processes, in the forward and in the backward pass, as
PyTorch's SyncBatchNorm does, which takes tensors on GPUs alone. Dropout draws for the whole batch and takes the part's
rows, so that an image loses what it loses in one process. Both are found where they happen, in the calls of
``torch.nn.functional``, so networks are the same modules with the same names of weights.

A network that draws in other ways (``torch.rand``, alpha dropout) draws in each process for its part alone.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from edgecnn.train.processes import Group

DROPOUTS = (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d)


def answered(group: Group, answer: Callable[[Tensor], Tensor], images_nhwc: Tensor) -> Tensor:
    """Answer a batch, each process its part; return the answers to all (N, …), the same everywhere."""
    count = len(images_nhwc)
    if not group.shares(count):
        return answer(images_nhwc)
    with WholeBatch(group, count):
        own = answer(images_nhwc[group.part(count)])
    return group.whole(own.to(torch.promote_types(own.dtype, torch.float32)), count)


class WholeBatch(TorchFunctionMode):
    """While a network answers its part of a batch in here, norms and dropouts are those of the whole batch."""

    def __init__(self, group: Group, images: int) -> None:
        super().__init__()
        self.group, self.images, self.part = group, images, group.part(images)
        self.own = self.part.stop - self.part.start

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Take the place of the functions that look at a batch."""
        if func is F.batch_norm:
            return self._normalize(*args, **(kwargs or {}))
        if func is Tensor.bernoulli_:
            return self._bernoulli(*args, **(kwargs or {}))
        if func in DROPOUTS:
            return self._drop(func, *args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def _normalize(
        self,
        features: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        if not training:
            return F.batch_norm(features, running_mean, running_var, weight, bias, False, momentum, eps)
        values = features.numel() // features.shape[1] // self.own * self.images
        mean_c, variance_c = _statistics(features.detach(), values, self.group)
        if running_mean is not None and running_var is not None:
            with torch.no_grad():
                running_mean.lerp_(mean_c, momentum)
                running_var.lerp_(variance_c * (values / (values - 1)), momentum)
        weight = torch.ones_like(mean_c) if weight is None else weight
        bias = torch.zeros_like(mean_c) if bias is None else bias
        normalized: Tensor = _Norm.apply(features, weight, bias, mean_c, variance_c, eps, values, self.group)
        return normalized

    def _drop(
        self,
        drop: Callable[..., Tensor],
        features: Tensor,
        p: float = 0.5,
        training: bool = True,
        inplace: bool = False,
    ) -> Tensor:
        if not training or len(features) != self.own:
            return drop(features, p, training, inplace)
        kept = drop(_whole_like(features, self.images).fill_(1), p, True, False)[self.part]
        return features.mul_(kept) if inplace else features * kept

    def _bernoulli(self, tensor: Tensor, p: Any = 0.5, **more: Any) -> Tensor:
        if tensor.ndim == 0 or len(tensor) != self.own or isinstance(p, Tensor):
            return tensor.bernoulli_(p, **more)
        return tensor.copy_(_whole_like(tensor, self.images).bernoulli_(p, **more)[self.part])


class _Norm(torch.autograd.Function):
    """Features less the mean, by the deviation, of all processes (Ioffe and Szegedy 2015); ``values`` are how many each
    channel has of them."""

    @staticmethod
    def forward(
        ctx: Any,
        features: Tensor,
        weight: Tensor,
        bias: Tensor,
        mean_c: Tensor,
        variance_c: Tensor,
        eps: float,
        values: int,
        group: Group,
    ) -> Tensor:
        """Normalize with given statistics."""
        ctx.save_for_backward(features, weight, mean_c, variance_c)
        ctx.eps, ctx.values, ctx.group = eps, values, group
        return F.batch_norm(features, mean_c, variance_c, weight, bias, False, 0.0, eps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients as if the statistics were fixed, less what moves the statistics: that is of all
        processes. Those of weight and bias are this process's, as of every other parameter."""
        features, weight, mean_c, variance_c = ctx.saved_tensors
        (gradient,) = gradients
        inner, weight_c, bias_c = torch.ops.aten.native_batch_norm_backward(
            gradient, features, weight, mean_c, variance_c, None, None, False, ctx.eps, [True, True, True]
        )
        inverse_c = (variance_c + ctx.eps).rsqrt()
        sums = torch.stack((weight_c, bias_c)).double()
        ctx.group.add_up(sums)
        of_weight_c, of_bias_c = (sums / ctx.values).to(mean_c.dtype)
        factor_c = inverse_c * weight
        slope_c = factor_c * inverse_c * of_weight_c
        offset_c = factor_c * of_bias_c - slope_c * mean_c
        inner = inner - (features * _along(slope_c, features) + _along(offset_c, features)).to(inner.dtype)
        return (inner, weight_c, bias_c, *(None,) * 5)


def _statistics(features: Tensor, values: int, group: Group) -> tuple[Tensor, Tensor]:
    """Return mean and variance by channel over all processes, summed in float64."""
    own = features.numel() // features.shape[1]
    dtype = torch.promote_types(features.dtype, torch.float32)
    unused = torch.zeros(features.shape[1], dtype=dtype, device=features.device)
    mean_c, variance_c = torch.batch_norm_update_stats(features, unused, unused.clone(), 0.0)
    mean_c, variance_c = mean_c.double(), variance_c.double()
    sums = torch.stack((mean_c, variance_c + mean_c.square())) * own
    group.add_up(sums)
    mean_c, square_c = sums / values
    return mean_c.to(dtype), (square_c - mean_c.square()).clamp_(min=0).to(dtype)


def _whole_like(part: Tensor, images: int) -> Tensor:
    """Return room for the whole batch, in the order in memory that a part has: draws follow it."""
    is_last = part.ndim == 4 and part.is_contiguous(memory_format=torch.channels_last) and not part.is_contiguous()
    how = torch.channels_last if is_last else torch.contiguous_format
    return torch.empty((images, *part.shape[1:]), dtype=part.dtype, device=part.device, memory_format=how)


def _along(values_c: Tensor, features: Tensor) -> Tensor:
    return values_c.view(1, -1, *[1] * (features.ndim - 2))
