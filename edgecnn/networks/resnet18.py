"""ResNet-18 for small pictures, its first layer 3x3 and no pooling: 11,172,810 parameters on 28x28 gray and 10 classes.

He et al. 2015, with the first layer that is usual on CIFAR.
"""

import itertools

from torch import nn

from edgecnn.networks._layers import MeanOfAll, basic_block, norm_convolution


def build(*, size: tuple[int, int], channels: int, classes: int, width: int = 64) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk through four stages of two blocks, each stage twice as wide."""
    layers = [*norm_convolution(channels, width), nn.ReLU(), basic_block(width, width), basic_block(width, width)]
    for before, after in itertools.pairwise((width, 2 * width, 4 * width, 8 * width)):
        layers += [basic_block(before, after, stride=2), basic_block(after, after)]
    return nn.Sequential(*layers, MeanOfAll(), nn.Flatten(), nn.Linear(8 * width, classes))
