"""Fully connected layers alone (D2): 1,398,597 parameters on 28x28 gray and 5 classes."""

import itertools

from torch import nn


def build(
    *, size: tuple[int, int], channels: int, classes: int, hidden: tuple[int, ...] = (1024, 512, 128, 32)
) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk through hidden layers with ReLU."""
    widths = (channels * size[0] * size[1], *hidden)
    layers = [(nn.Linear(narrow, wide), nn.ReLU()) for narrow, wide in itertools.pairwise(widths)]
    return nn.Sequential(nn.Flatten(), *itertools.chain.from_iterable(layers), nn.Linear(widths[-1], classes))
