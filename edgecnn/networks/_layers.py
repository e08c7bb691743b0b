"""What several families are made of: activations by name, initializations by name, pools, dense layers, blocks."""

import itertools
from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.nn import functional as F

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}
INITIALIZATIONS = ("default", "glorot")


class Residual(nn.Module):
    """A residual block: a body with a shortcut around it; the sum goes through a ReLU (He et al. 2015)."""

    def __init__(self, body: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.body, self.shortcut, self.relu = body, shortcut, nn.ReLU()

    def forward(self, features_nchw: Tensor) -> Tensor:
        """Map features to features of the body's shape."""
        total: Tensor = self.relu(self.body(features_nchw) + self.shortcut(features_nchw))
        return total


class MeanOfAll(nn.Module):
    """The mean over all positions, of images of any size; in the file an ordinary pooling, which int8 has as well."""

    def forward(self, features_nchw: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C, 1, 1)."""
        return F.avg_pool2d(features_nchw, features_nchw.shape[2:])


class MaxOfAll(nn.Module):
    """The maximum over all positions, as MeanOfAll is the mean."""

    def forward(self, features_nchw: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C, 1, 1)."""
        return F.max_pool2d(features_nchw, features_nchw.shape[2:])


def activation(name: str) -> nn.Module:
    """Return a new activation, or raise ValueError with the names that there are."""
    if name not in ACTIVATIONS:
        raise ValueError(f"activation is {name!r}; allowed: {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]()


def initialized(network: nn.Module, how: str) -> nn.Module:
    """Return the network with its weights drawn again: ``glorot`` is uniform with zero biases (Glorot & Bengio 2010).

    ``default`` leaves PyTorch's; anything else raises ValueError.
    """
    if how not in INITIALIZATIONS:
        raise ValueError(f"initialization is {how!r}; allowed: {', '.join(INITIALIZATIONS)}")
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    for layer in layers if how == "glorot" else ():
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return network


def dense(widths: Sequence[int], name: str = "relu") -> list[nn.Module]:
    """Return linear layers from each width to the next, each with its activation."""
    pairs = itertools.pairwise(widths)
    return [layer for narrow, wide in pairs for layer in (nn.Linear(narrow, wide), activation(name))]


def some_dropout(rate: float) -> list[nn.Module]:
    """Return a dropout, or nothing at rate 0, so that a network without one keeps the names of its weights."""
    return [nn.Dropout(rate)] if rate else []


def norm_convolution(before: int, width: int, *, kernel: int = 3, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Return a padded convolution and its batch norm; no bias in front of a norm, the export folds it in."""
    convolution = nn.Conv2d(before, width, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(width)]


def basic_block(before: int, width: int, stride: int = 1) -> Residual:
    """Return ResNet's block of two 3x3 convolutions; where the shape changes, the shortcut is a 1x1 convolution."""
    body = [*norm_convolution(before, width, stride=stride), nn.ReLU(), *norm_convolution(width, width)]
    same = before == width and stride == 1
    shortcut = nn.Identity() if same else nn.Sequential(*norm_convolution(before, width, kernel=1, stride=stride))
    return Residual(nn.Sequential(*body), shortcut)
