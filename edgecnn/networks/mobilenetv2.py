"""MobileNetV2 for images of 32 pixels (Sandler et al. 2018): 2,236,682 parameters on 32x32 color and 10 classes.

The paper's network with its first convolution and one stage more without stride, as images of 32 pixels want it, and
with ReLU in place of ReLU6.
"""

from torch import Tensor, nn

from edgecnn.networks._layers import MeanOfAll, norm_convolution

# expansion, width, blocks, stride of the first of them
STAGES = ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
FIRST, LAST, DROPOUT = 32, 1280, 0.2
MOST_LOST = 0.9  # of a width, by rounding it


class Inverted(nn.Module):
    """Widen, filter each channel, narrow; added to what came in where the shape stays."""

    def __init__(self, before: int, width: int, expansion: int, stride: int) -> None:
        super().__init__()
        hidden = before * expansion
        widened = [*norm_convolution(before, hidden, kernel=1), nn.ReLU()] if expansion > 1 else []
        filtered = [*norm_convolution(hidden, hidden, stride=stride, groups=hidden), nn.ReLU()]
        self.body = nn.Sequential(*widened, *filtered, *norm_convolution(hidden, width, kernel=1))
        self.adds = stride == 1 and before == width

    def forward(self, features_nchw: Tensor) -> Tensor:
        """Map features to features."""
        narrow: Tensor = self.body(features_nchw)
        return features_nchw + narrow if self.adds else narrow


def build(
    *, size: tuple[int, int], channels: int, classes: int, width: float = 1.0, divisor: int = 8, last: int = LAST
) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk; ``width`` multiplies all channels but the ``last``, in multiples of
    ``divisor``."""
    before = rounded(FIRST * width, divisor)
    layers = [*norm_convolution(channels, before), nn.ReLU()]
    for expansion, channels_out, blocks, stride in STAGES:
        wide = rounded(channels_out * width, divisor)
        for block in range(blocks):
            layers.append(Inverted(before, wide, expansion, 1 if block else stride))
            before = wide
    layers += [*norm_convolution(before, last, kernel=1), nn.ReLU(), MeanOfAll(), nn.Flatten()]
    return nn.Sequential(*layers, nn.Dropout(DROPOUT), nn.Linear(last, classes))


def rounded(width: float, divisor: int) -> int:
    """Return the nearest multiple that loses no more than a tenth, at least one.

    >>> rounded(24, 8), rounded(24 * 0.75, 8), rounded(24, 16), rounded(3, 16)
    (24, 24, 32, 16)
    """
    nearest = max(divisor, int(width + divisor / 2) // divisor * divisor)
    return nearest if nearest >= MOST_LOST * width else nearest + divisor
