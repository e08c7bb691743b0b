"""Depthwise-separable convolutions, for microcontrollers: 36,874 parameters on 28x28 gray and 10 classes.

After MobileNet (Howard et al. 2017) and DS-CNN (Zhang et al. 2017): a 3x3 filter for each channel, then a 1x1 mixture.
"""

import itertools

from torch import nn

from edgecnn.networks._layers import MeanOfAll, norm_convolution


def build(
    *,
    size: tuple[int, int],
    channels: int,
    classes: int,
    filters: tuple[int, ...] = (16, 32, 64, 64, 128, 128),
) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk: a plain convolution, then separable ones.

    Where ``filters`` grow, the size is halved.
    """
    layers = [*norm_convolution(channels, filters[0]), nn.ReLU()]
    for before, width in itertools.pairwise(filters):
        stride = 2 if width > before else 1
        layers += [*norm_convolution(before, before, stride=stride, groups=before), nn.ReLU()]
        layers += [*norm_convolution(before, width, kernel=1), nn.ReLU()]
    return nn.Sequential(*layers, MeanOfAll(), nn.Flatten(), nn.Linear(filters[-1], classes))
