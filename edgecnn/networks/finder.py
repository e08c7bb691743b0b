"""A heat map of objects and their boxes, at a quarter of the frame's size: 225,141 parameters on gray in the zoo.

Fully convolutional: a stem of two strided convolutions, residual blocks at strides 8 and 16, added back up to stride
4 (Lin et al. 2017, "Feature pyramid networks"). Five maps come out: the logit of a thing's center, the way from the
cell to the center (x, y, in cells) and the logarithms of width and height (in units of 16 pixels), as in Zhou et al.
2019, "Objects as points".
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edgecnn.networks._layers import basic_block, norm_convolution

TASK = "detection"
STRIDE = 4
MAPS = 5
UNIT = 16.0  # pixels; sides of boxes are learned as logarithms in this unit
RARE = 0.01  # how likely a center is before training (Lin et al. 2017, "Focal loss")


def build(
    *,
    size: tuple[int, int],
    channels: int,
    classes: int,
    widths: tuple[int, int, int, int] = (12, 24, 40, 64),
    depth: tuple[int, int] = (1, 2),
) -> nn.Module:
    """Map normalized pixels_nchw to maps (N, 5, H / 4, W / 4), for any height and width that are multiples of 16.

    ``widths`` are the channels at strides 2, 4, 8 and 16, ``depth`` the residual blocks at strides 8 and 16.
    """
    if classes != 1:
        raise ValueError(f"it detects one kind of thing; found {classes} labels")
    return Finder(channels, widths, depth)


class Finder(nn.Module):
    """Down to stride 16 and back up to 4."""

    def __init__(self, channels: int, widths: tuple[int, ...], depth: tuple[int, ...]) -> None:
        super().__init__()
        half, quarter, eighth, sixteenth = widths
        self.to_quarter = nn.Sequential(_down(channels, half), _down(half, quarter))
        self.to_eighth = _stage(quarter, eighth, depth[0])
        self.to_sixteenth = _stage(eighth, sixteenth, depth[1])
        self.up_to_eighth, self.at_eighth = nn.Conv2d(sixteenth, eighth, 1), _same(eighth)
        self.up_to_quarter, self.at_quarter = nn.Conv2d(eighth, quarter, 1), _same(quarter)
        self.maps = nn.Conv2d(quarter, MAPS, 1)
        with torch.no_grad():
            self.maps.bias.zero_()  # type: ignore[union-attr]
            self.maps.bias[0] = math.log(RARE / (1 - RARE))  # type: ignore[index]

    def forward(self, pixels_nchw: Tensor) -> Tensor:
        """Map pixels to the five maps."""
        quarter: Tensor = self.to_quarter(pixels_nchw)
        eighth: Tensor = self.to_eighth(quarter)
        sixteenth: Tensor = self.to_sixteenth(eighth)
        eighth = self.at_eighth(eighth + _doubled(self.up_to_eighth(sixteenth)))
        quarter = self.at_quarter(quarter + _doubled(self.up_to_quarter(eighth)))
        maps_nchw: Tensor = self.maps(quarter)
        return maps_nchw


def _down(before: int, width: int) -> nn.Module:
    return nn.Sequential(*norm_convolution(before, width, stride=2), nn.ReLU())


def _same(width: int) -> nn.Module:
    return nn.Sequential(*norm_convolution(width, width), nn.ReLU())


def _stage(before: int, width: int, blocks: int) -> nn.Module:
    return nn.Sequential(_down(before, width), *(basic_block(width, width) for _ in range(blocks)))


def _doubled(features_nchw: Tensor) -> Tensor:
    return F.interpolate(features_nchw, scale_factor=2.0, mode="nearest")
