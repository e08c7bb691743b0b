"""LeNet-5 with ReLU and max pooling: 61,706 parameters on 28x28 gray and 10 classes (LeCun et al. 1998)."""

from torch import nn


def build(*, size: tuple[int, int], channels: int, classes: int) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk."""
    height, width = ((side // 2 - 4) // 2 for side in size)
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * height * width, 120), nn.ReLU(),
        nn.Linear(120, 84), nn.ReLU(),
        nn.Linear(84, classes),
    )  # fmt: skip
