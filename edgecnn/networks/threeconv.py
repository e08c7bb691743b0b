"""Three convolutions of 5x5, 3x3 and 1x1, dense layers (D1): 6,484,330 parameters on 28x28 gray and 10 classes."""

from torch import nn

from edgecnn.networks import _layers


def build(
    *,
    size: tuple[int, int],
    channels: int,
    classes: int,
    activation: str = "relu",
    dropout: float = 0.2,
    hidden_dropout: float = 0.25,
    initialization: str = "default",
) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk; the activation is that of all layers but the last."""
    features = 128 * (size[0] // 4) * (size[1] // 4)
    network = nn.Sequential(
        nn.Conv2d(channels, 32, 5, padding=2), _layers.activation(activation), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), _layers.activation(activation), nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 1), _layers.activation(activation), nn.Dropout(dropout),
        nn.Flatten(),
        *_layers.dense((features, 1024), activation), nn.Dropout(hidden_dropout),
        *_layers.dense((1024, 32), activation),
        nn.Linear(32, classes),
    )  # fmt: skip
    return _layers.initialized(network, initialization)
