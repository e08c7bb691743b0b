"""Fully connected layers alone (B6, D2): 1,398,597 parameters on 28x28 gray and 5 classes."""

from torch import nn

from edgecnn.networks import _layers


def build(
    *,
    size: tuple[int, int],
    channels: int,
    classes: int,
    hidden: tuple[int, ...] = (1024, 512, 128, 32),
    activation: str = "relu",
    initialization: str = "default",
) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk through hidden layers, each with its activation."""
    widths = (channels * size[0] * size[1], *hidden)
    network = nn.Sequential(nn.Flatten(), *_layers.dense(widths, activation), nn.Linear(widths[-1], classes))
    return _layers.initialized(network, initialization)
