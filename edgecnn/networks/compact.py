"""The default: pairs of 3x3 convolutions with batch norm: 72,666 parameters on 28x28 gray and 10 classes."""

from torch import nn

from edgecnn.networks._layers import MeanOfAll


def build(
    *,
    size: tuple[int, int],
    channels: int,
    classes: int,
    filters: tuple[int, ...] = (16, 32, 64),
    dropout: float = 0.0,
) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk; each entry of ``filters`` is a pair of convolutions at half the size."""
    if not filters:
        raise ValueError("filters is empty; it needs at least one number")
    layers: list[nn.Module] = []
    before = channels
    for stage, width in enumerate(filters):
        if stage:
            layers.append(nn.MaxPool2d(2))
        layers += [*_convolution(before, width), *_convolution(width, width)]
        before = width
    head = (MeanOfAll(), nn.Flatten(), nn.Dropout(dropout), nn.Linear(before, classes))
    return nn.Sequential(*layers, *head)


def _convolution(before: int, width: int) -> tuple[nn.Module, ...]:
    """No bias in front of a batch norm; the export folds the norm into the convolution."""
    return (nn.Conv2d(before, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
