"""Two unpadded convolutions and one wide hidden layer (A1, A2): 1,111,434 parameters on 28x28 gray and 10 classes."""

from torch import nn


def build(
    *, size: tuple[int, int], channels: int, classes: int, filters: tuple[int, int] = (32, 64), hidden: int = 1024
) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk: convolutions of 3x3 and 5x5, each with ReLU and pooling by two."""
    first, second = filters
    height, width = (((side - 2) // 2 - 4) // 2 for side in size)
    return nn.Sequential(
        nn.Conv2d(channels, first, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(first, second, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(second * height * width, hidden), nn.ReLU(),
        nn.Linear(hidden, classes),
    )  # fmt: skip
