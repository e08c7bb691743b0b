"""Convolutions that widen to 512, dense layers to 1024 (E8): 2,321,418 parameters on 28x28 gray and 10 classes."""

import itertools

from torch import nn


def build(
    *,
    size: tuple[int, int],
    channels: int,
    classes: int,
    filters: tuple[int, ...] = (64, 128, 256, 512),
    hidden: tuple[int, ...] = (128, 256, 512, 1024),
    dropout: float = 0.3,
) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk; each layer ends in a batch norm, as report E orders them."""
    layers: list[nn.Module] = []
    for before, width in itertools.pairwise((channels, *filters)):
        layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.BatchNorm2d(width)]
    layers.append(nn.Flatten())
    left = (size[0] >> len(filters)) * (size[1] >> len(filters))
    widths = (filters[-1] * left, *hidden)
    for before, width in itertools.pairwise(widths):
        layers += [nn.Linear(before, width), nn.ReLU(), nn.Dropout(dropout), nn.BatchNorm1d(width)]
    return nn.Sequential(*layers, nn.Linear(widths[-1], classes))
