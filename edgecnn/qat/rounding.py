"""What int8 makes of weights and activations, in float32 and with gradients.

As in the form int8-static: weights are symmetric with a scale for each output channel and seven bits, so that no sum
saturates on any processor (``edgecnn/saturation.py``); activations are uint8 with one scale and zero point.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from edgecnn.card import PAIR_BOUND

LARGEST_WEIGHT = PAIR_BOUND // 2  # two of them fit
LARGEST_ACTIVATION = 255
SMALLEST_SCALE = 1e-12
MOMENTUM = 0.01  # how much of a range is that of the newest batch (Krishnamoorthi 2018)


class Activations(nn.Module):
    """Rounds a tensor to 256 levels from ``low`` to ``high``, which in training follow what goes through."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))
        self.low: Tensor
        self.high: Tensor
        self.widening = False

    def forward(self, values: Tensor) -> Tensor:
        """Return the values on the grid, those beyond the range at its ends; as they are while it is calibrated."""
        if self.widening or self.training:
            self._look_at(values.detach())
        if self.widening:
            return values
        scale, zero_point = self.grid()
        rounded: Tensor = torch.fake_quantize_per_tensor_affine(values, scale, zero_point, 0, LARGEST_ACTIVATION)
        return rounded

    def grid(self) -> tuple[Tensor, Tensor]:
        """Return (scale, zero point as int32)."""
        scale = ((self.high - self.low) / LARGEST_ACTIVATION).clamp(min=SMALLEST_SCALE)
        return scale, (-self.low / scale).round().clamp(0, LARGEST_ACTIVATION).to(torch.int32)

    def _look_at(self, values: Tensor) -> None:
        """Move the range towards that of the values; it always has zero in it, which padding has to hit."""
        low, high = (end.float() for end in values.aminmax())
        if self.widening:
            self.low.copy_(torch.minimum(self.low, low))
            self.high.copy_(torch.maximum(self.high, high))
        else:
            self.low.lerp_(low.clamp(max=0), MOMENTUM)
            self.high.lerp_(high.clamp(min=0), MOMENTUM)


def weight_scale(weights: Tensor) -> Tensor:
    """Return the scale of each output channel, the first axis."""
    return (weights.detach().abs().flatten(1).amax(1) / LARGEST_WEIGHT).clamp(min=SMALLEST_SCALE)


def rounded_weights(weights: Tensor) -> Tensor:
    """Return weights as int8 holds them, with a scale for each output channel."""
    scale_c = weight_scale(weights)
    zero_c = torch.zeros_like(scale_c, dtype=torch.int32)
    rounded: Tensor = torch.fake_quantize_per_channel_affine(
        weights, scale_c, zero_c, 0, -LARGEST_WEIGHT, LARGEST_WEIGHT
    )
    return rounded


@torch.no_grad()
def calibrate(network: nn.Module, batches_nchw: Iterable[Tensor]) -> None:
    """Set the ranges of all activations to those that normalized images give them, as the form int8-static does."""
    ranges = [module for module in network.modules() if isinstance(module, Activations)]
    network.eval()
    for activations in ranges:
        activations.widening = True
    for pixels_nchw in batches_nchw:
        network(pixels_nchw)
    for activations in ranges:
        activations.widening = False
