"""DenseNet-BC for small images (Huang et al. 2016): 309,962 parameters on 32x32 color and 10 classes.

Each layer sees the outputs of all before it in its block. The paper's smallest, of 100 layers that grow by 12, has 0.77
million parameters; here layers grow by 16 channels, as fast layouts want them.
"""

import torch
from torch import Tensor, nn

from edgecnn.networks._layers import MeanOfAll

BLOCKS, BOTTLENECK, OTHER_LAYERS = 3, 4, 4


class Layer(nn.Module):
    """A 1x1 and a 3x3 convolution, each behind a norm and a ReLU; its output joins its input."""

    def __init__(self, before: int, growth: int) -> None:
        super().__init__()
        inner = BOTTLENECK * growth
        self.body = nn.Sequential(
            nn.BatchNorm2d(before), nn.ReLU(), nn.Conv2d(before, inner, 1, bias=False),
            nn.BatchNorm2d(inner), nn.ReLU(), nn.Conv2d(inner, growth, 3, padding=1, bias=False),
        )  # fmt: skip

    def forward(self, features_nchw: Tensor) -> Tensor:
        """Map features to those and ``growth`` more."""
        return torch.cat((features_nchw, self.body(features_nchw)), 1)


def build(*, size: tuple[int, int], channels: int, classes: int, depth: int = 40, growth: int = 16) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk through three blocks; between them channels and size are halved."""
    layers_of_block, rest = divmod(depth - OTHER_LAYERS, 2 * BLOCKS)
    if rest or layers_of_block < 1:
        raise ValueError(f"depth is {depth}; allowed: 10, 16, 22 and so on in steps of 6")
    width = 2 * growth
    layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1, bias=False)]
    for block in range(BLOCKS):
        layers += [Layer(width + index * growth, growth) for index in range(layers_of_block)]
        width += layers_of_block * growth
        if block < BLOCKS - 1:
            layers += [nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width // 2, 1, bias=False), nn.AvgPool2d(2)]
            width //= 2
    return nn.Sequential(
        *layers, nn.BatchNorm2d(width), nn.ReLU(), MeanOfAll(), nn.Flatten(), nn.Linear(width, classes)
    )
