"""Three convolutions that narrow from 16 to 4 filters (C1-C5): 4,470 parameters on 28x28 gray and 10 classes."""

from torch import nn

from edgecnn.networks._layers import some_dropout


def build(
    *, size: tuple[int, int], channels: int, classes: int, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk: filters of 7x7, 5x5 and 3x3, the last with stride 2.

    The norm stands between each convolution and its ReLU, the dropout in front of the dense layer.
    """
    norms = [[nn.BatchNorm2d(width)] if batch_norm else [] for width in (16, 8, 4)]
    height, width = ((side // 4 + 1) // 2 // 2 for side in size)
    return nn.Sequential(
        nn.Conv2d(channels, 16, 7, padding=3), *norms[0], nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 8, 5, padding=2), *norms[1], nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 4, 3, stride=2, padding=1), *norms[2], nn.ReLU(), nn.AvgPool2d(2),
        nn.Flatten(), *some_dropout(dropout),
        nn.Linear(4 * height * width, classes),
    )  # fmt: skip
