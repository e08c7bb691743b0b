"""Two padded 3x3 convolutions, one pooling, dense layers (B1-B5): 813,802 parameters on 28x28 gray and 10 classes."""

from torch import nn

from edgecnn.networks._layers import dense, some_dropout


def build(
    *,
    size: tuple[int, int],
    channels: int,
    classes: int,
    filters: tuple[int, int] = (32, 32),
    hidden: tuple[int, ...] = (128,),
    dropout: float = 0.25,
    hidden_dropout: float = 0.5,
) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk; ``hidden_dropout`` follows the first hidden layer."""
    first, second = filters
    widths = (second * (size[0] // 2) * (size[1] // 2), *hidden)
    return nn.Sequential(
        nn.Conv2d(channels, first, 3, padding=1), nn.ReLU(),
        nn.Conv2d(first, second, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), *some_dropout(dropout),
        nn.Flatten(),
        *dense(widths[:2]), *some_dropout(hidden_dropout), *dense(widths[1:]),
        nn.Linear(widths[-1], classes),
    )  # fmt: skip
