"""Progressive resizing: smaller images in the first epochs, for a fraction of the work, and whole ones in the last.

What the networks of the DAWNBench entries of fast.ai did (Howard 2018, "Training Imagenet in 3 hours for $25; and
CIFAR10 for $0.26"). Early on a network learns what small images show as well, and a convolution's work falls with their
area. Validation is always on whole images.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from edgecnn.checkpoint import PixelClassifier
from edgecnn.errors import RecipeError
from edgecnn.recipes.schema import Progressive, Recipe

STEP = 4  # pixels: sizes in between would cost memory and compilations and gain nothing


def fraction_of_side(wanted: Progressive, epoch: int, epochs: int) -> float:
    """Return how much of its side an image has in ``epoch`` (from 0): a line from ``start`` to 1."""
    left = 1 - epoch / (wanted.until * epochs)
    return 1.0 if left <= 0 else 1 - (1 - wanted.start) * left  # exactly 1 at the end, whatever rounding makes of start


def side_of(side: int, fraction: float) -> int:
    """Return a side in pixels, a multiple of STEP below the whole one."""
    return side if fraction == 1 else min(side, max(STEP, round(side * fraction / STEP) * STEP))


def resized(images_nhwc: Tensor, fraction: float) -> Tensor:
    """Shrink images (uint8 or float32 of 0..255) to that fraction of their sides, antialiased; to float32."""
    height, width = (side_of(side, fraction) for side in images_nhwc.shape[1:3])
    if (height, width) == tuple(images_nhwc.shape[1:3]):
        return images_nhwc
    planes_nchw = images_nhwc.permute(0, 3, 1, 2).to(torch.float32)
    return F.interpolate(planes_nchw, size=(height, width), mode="bilinear", antialias=True).permute(0, 2, 3, 1)


def check(classifier: PixelClassifier, recipe: Recipe, image_nhwc: Tensor) -> None:
    """Raise RecipeError when the network cannot take images of the first epoch's size."""
    if recipe.progressive.start == 1:
        return
    small = resized(image_nhwc, recipe.progressive.start)
    try:
        with torch.no_grad():
            classifier.eval()(small)
    except RuntimeError as error:
        raise RecipeError(
            f"network {recipe.network.name} takes images of one size, not the {small.shape[1]}x{small.shape[2]} that "
            "progressive.start asks for. Take one that ends in a pool over all positions (compact, separable, "
            "speedrun, resnet8, resnet18, most of torchvision's), or leave [progressive] out."
        ) from error
