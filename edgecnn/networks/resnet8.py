"""ResNet-8 of the MLPerf Tiny benchmark, for microcontrollers: 77,754 parameters on 28x28 gray and 10 classes.

Banbury et al. 2021. The reference has a bias beside each norm and no norm in its two 1x1 convolutions; here every
convolution has a norm and no bias.
"""

from torch import nn

from edgecnn.networks._layers import MeanOfAll, basic_block, norm_convolution


def build(*, size: tuple[int, int], channels: int, classes: int, width: int = 16) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk through three residual blocks of one, two and four times ``width``."""
    return nn.Sequential(
        *norm_convolution(channels, width), nn.ReLU(),
        basic_block(width, width),
        basic_block(width, 2 * width, stride=2),
        basic_block(2 * width, 4 * width, stride=2),
        MeanOfAll(), nn.Flatten(),
        nn.Linear(4 * width, classes),
    )  # fmt: skip
