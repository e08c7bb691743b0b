"""A convolution, an inception block, average, dense head (D4): 325,426 parameters on 28x28 gray and 10 classes.

Report D states nine layers and this count, and shows neither widths nor kernels. Ours are one that fits: a convolution,
the block's six, two dense layers. The block is that of Szegedy et al. 2014.
"""

import torch
from torch import Tensor, nn

from edgecnn.networks._layers import MeanOfAll, initialized


class Inception(nn.Module):
    """Convolutions of 1x1, 3x3 and 5x5 and a pooling side by side: 32 + 192 + 96 + 32 = 352 channels."""

    def __init__(self, before: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList((
            nn.Sequential(nn.Conv2d(before, 32, 1), nn.ReLU()),
            nn.Sequential(nn.Conv2d(before, 64, 1), nn.ReLU(), nn.Conv2d(64, 192, 3, padding=1), nn.ReLU()),
            nn.Sequential(nn.Conv2d(before, 8, 1), nn.ReLU(), nn.Conv2d(8, 96, 5, padding=2), nn.ReLU()),
            nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), nn.Conv2d(before, 32, 1), nn.ReLU()),
        ))  # fmt: skip

    def forward(self, features_nchw: Tensor) -> Tensor:
        """Map features to 352 channels of the same size."""
        return torch.cat([branch(features_nchw) for branch in self.branches], dim=1)


def build(*, size: tuple[int, int], channels: int, classes: int, initialization: str = "default") -> nn.Module:
    """Map normalized pixels_nchw to logits_nk."""
    network = nn.Sequential(
        nn.Conv2d(channels, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        Inception(64), MeanOfAll(),
        nn.Flatten(),
        nn.Linear(352, 512), nn.ReLU(),
        nn.Linear(512, classes),
    )  # fmt: skip
    return initialized(network, initialization)
