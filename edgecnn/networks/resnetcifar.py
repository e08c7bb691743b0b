"""Residual networks for images of 32 pixels (He et al. 2015): 272,474 parameters on 32x32 color and 10 classes.

Three stages of equal depth, of one, two and four times the width: 20, 32 and 56 layers have the published 0.27, 0.46
and 0.85 million parameters. Where the width doubles the shortcut is a 1x1 convolution, the paper's option B: a fraction
of a percent more than its padding with zeros, and an int8 convolution like the others.
"""

from torch import nn

from edgecnn.networks._layers import MeanOfAll, basic_block, norm_convolution

STAGES, LAYERS_OF_BLOCK, OTHER_LAYERS = (1, 2, 4), 2, 2


def build(*, size: tuple[int, int], channels: int, classes: int, depth: int = 20, width: int = 16) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk; ``depth`` counts convolutions and the dense layer, as the paper does."""
    blocks, rest = divmod(depth - OTHER_LAYERS, len(STAGES) * LAYERS_OF_BLOCK)
    if rest or blocks < 1:
        raise ValueError(f"depth is {depth}; allowed: 8, 14, 20 and so on in steps of 6")
    layers, before = [*norm_convolution(channels, width), nn.ReLU()], width
    for stage, factor in enumerate(STAGES):
        for block in range(blocks):
            layers.append(basic_block(before, factor * width, stride=2 if stage and not block else 1))
            before = factor * width
    return nn.Sequential(*layers, MeanOfAll(), nn.Flatten(), nn.Linear(before, classes))
