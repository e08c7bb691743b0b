"""Whitened pixels, then blocks of batch-normed 3x3 convolutions with GELU: 1,972,792 parameters on 32x32 color.

The network of fast CIFAR-10 training: a first layer of fixed 2x2 filters that whiten the training images' patches
(Page 2019, "How to train your ResNet"; Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU"), convolutions
that start as the identity, norms without a learned scale, and a last layer with a small fixed factor. Made for Muon,
which sets the size of each step by itself.
"""

import torch
from torch import Tensor, nn

from edgecnn.networks._layers import MaxOfAll

WHITENING_SIDE = 2
WHITENING_EPSILON = 5e-4
WHITENING_IMAGES = 5_000
HEAD_FACTOR = 1 / 72  # with HEAD_DEVIATION: lets one step size serve the norms' biases and the last layer alike
HEAD_DEVIATION = 0.28
NORM_MOMENTUM = 0.4


def build(
    *,
    size: tuple[int, int],
    channels: int,
    classes: int,
    filters: tuple[int, ...] = (64, 256, 256),
    depth: int = 2,
    padding: int = 0,
) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk; each entry of ``filters`` is a block of ``depth`` convolutions at half
    the size. From the third convolution on, a block adds what came out of its first."""
    whitened = 2 * channels * WHITENING_SIDE**2
    whiten = nn.Conv2d(channels, whitened, WHITENING_SIDE, padding=padding)
    whiten.weight.requires_grad = False
    nn.init.zeros_(whiten.bias)  # type: ignore[arg-type]
    widths = (whitened, *filters)
    blocks = [Block(before, width, depth) for before, width in zip(widths, filters, strict=False)]
    return nn.Sequential(whiten, nn.GELU(), *blocks, MaxOfAll(), nn.Flatten(), Head(filters[-1], classes))


def initialize(network: nn.Module, pixels_nchw: Tensor, **parameters: object) -> None:
    """Set the first filters to the scaled eigenvectors of the training patches' covariance, and their negatives."""
    side = WHITENING_SIDE
    patches = pixels_nchw[:WHITENING_IMAGES].unfold(2, side, 1).unfold(3, side, 1)
    vectors = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, pixels_nchw.shape[1] * side**2).to(torch.float64)
    values, axes = torch.linalg.eigh(vectors.T @ vectors / len(vectors))
    filters = (axes / (values + WHITENING_EPSILON).sqrt()).T.to(torch.float32)
    whiten = network[0]  # type: ignore[index]
    whiten.weight.data.copy_(torch.cat((filters, -filters)).reshape(whiten.weight.shape))


class Block(nn.Module):
    """Convolution, pooling, then the rest of ``depth`` convolutions at that size; each with norm and GELU."""

    def __init__(self, before: int, width: int, depth: int) -> None:
        super().__init__()
        self.first = nn.Sequential(_convolution(before, width), nn.MaxPool2d(2), _norm(width), nn.GELU())
        rest: list[nn.Module] = []
        for index in range(depth - 1):
            rest += [*([nn.GELU()] if index else []), _convolution(width, width), _norm(width)]
        self.rest = nn.Sequential(*rest)
        self.adds = depth > 2
        self.activation = nn.GELU()

    def forward(self, features_nchw: Tensor) -> Tensor:
        """Halve the size."""
        first: Tensor = self.first(features_nchw)
        rest: Tensor = self.rest(first)
        out: Tensor = self.activation(rest + first if self.adds else rest)
        return out


class Head(nn.Module):
    """The last layer, without bias, its logits times a fixed factor."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, classes, bias=False)
        nn.init.normal_(self.linear.weight, std=HEAD_DEVIATION)

    def forward(self, features_nf: Tensor) -> Tensor:
        """Map features to logits_nk."""
        logits_nk: Tensor = self.linear(features_nf) * HEAD_FACTOR
        return logits_nk


def _convolution(before: int, width: int) -> nn.Module:
    layer = nn.Conv2d(before, width, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight[:before])
    return layer


def _norm(width: int) -> nn.Module:
    norm = nn.BatchNorm2d(width, momentum=NORM_MOMENTUM)
    norm.weight.requires_grad = False
    return norm
