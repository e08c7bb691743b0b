"""One convolution, or a few, and one hidden layer (E1, E2): 607,394 parameters on 28x28 gray and 10 classes."""

from typing import Literal

from torch import nn

PADDINGS = ("valid", "same")


def build(
    *,
    size: tuple[int, int],
    channels: int,
    classes: int,
    filters: tuple[int, ...] = (28,),
    kernels: tuple[int, ...] = (3,),
    stride: int = 1,
    padding: Literal["valid", "same"] = "valid",
    hidden: int = 128,
) -> nn.Module:
    """Map normalized pixels_nchw to logits_nk; each of ``filters`` with its kernel is a convolution and a pooling.

    ``padding`` is TensorFlow's word: none, or half the kernel. ``stride`` is that of every convolution.
    """
    if padding not in PADDINGS:
        raise ValueError(f"padding is {padding!r}; allowed: {', '.join(PADDINGS)}")
    layers: list[nn.Module] = []
    before, (height, width) = channels, size
    for count, kernel in zip(filters, kernels, strict=True):
        border = kernel // 2 if padding == "same" else 0
        layers += [nn.Conv2d(before, count, kernel, stride, border), nn.ReLU(), nn.MaxPool2d(2)]
        height, width = (((side + 2 * border - kernel) // stride + 1) // 2 for side in (height, width))
        before = count
    head = (nn.Flatten(), nn.Linear(before * height * width, hidden), nn.ReLU(), nn.Linear(hidden, classes))
    return nn.Sequential(*layers, *head)
