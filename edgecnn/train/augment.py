"""Augmentation of whole batches on the device: every image of a batch is drawn its own flip, shift, angle, light.

All draws come from torch's generator of the device, so a seed decides them and a saved generator resumes them.
``benchmarks/bench_augment.py`` holds the speed to torchvision's transforms, image by image.

Geometry that is no more than flips and shifts by whole pixels moves bytes; rotation, scale and shear sample bilinearly.
Brightness, contrast and saturation, each a mixture of an image with something darker, flatter or grayer (Haeberli and
Voorhies 1994; torchvision defines them so), are one affine map of an image's colours.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from edgecnn.recipes.schema import Augment

GRAY_OF_RGB = (0.299, 0.587, 0.114)  # ITU-R BT.601
SHARPNESS_CENTRE, SHARPNESS_SUM = 5.0, 13.0  # the 3x3 smoothing of Pillow and torchvision: ones around a five


@dataclass(frozen=True)
class Batch:
    """Augmented images, uint8 or float32 of 0..255, and what they show: ``labels_n`` and, where images were mixed,
    ``partners_n`` with what share of each image (or of the loss) is still ``labels_n``."""

    images_nhwc: Tensor
    labels_n: Tensor
    partners_n: Tensor | None = None
    share: float = 1.0


def augment(images_nhwc: Tensor, labels_n: Tensor, wanted: Augment, mirrored_n: Tensor | None = None) -> Batch:
    """Vary uint8 images_nhwc (N, H, W, C) as ``wanted``; ``mirrored_n`` decides the alternating flip."""
    images_nhwc = _move(images_nhwc, wanted, _flips(len(labels_n), wanted, mirrored_n, images_nhwc.device))
    images_nhwc = _colour(images_nhwc, wanted)
    if wanted.sharpness:
        images_nhwc = _sharpen(images_nhwc, wanted.sharpness)
    if wanted.blur:
        images_nhwc = _blur(images_nhwc, wanted.blur)
    if wanted.noise:
        images_nhwc = _add_noise(images_nhwc, wanted.noise)
    if wanted.cutout:
        images_nhwc = _cut_out(images_nhwc, wanted.cutout)
    if wanted.mixup or wanted.cutmix:
        return _mix(images_nhwc, labels_n, wanted)
    return Batch(images_nhwc, labels_n)


def alternating_flips(images: int, seed: int, epoch: int) -> Tensor:
    """Tell for each image of the data set whether this epoch shows its mirror image: at random in the first epoch,
    then each time the other way round (Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU")."""
    first_n = torch.rand(images, generator=torch.Generator().manual_seed(seed)) < 0.5
    return first_n ^ bool(epoch % 2)


def _flips(count: int, wanted: Augment, mirrored_n: Tensor | None, device: torch.device) -> Tensor | None:
    if wanted.flip == "random":
        return torch.rand(count, device=device) < 0.5
    return mirrored_n if wanted.flip == "alternating" else None


def _uniform(count: int, reach: float, like: Tensor) -> Tensor:
    """Draw ``count`` numbers in ±reach."""
    return (torch.rand(count, device=like.device) * 2 - 1) * reach


def _factors(count: int, reach: float, like: Tensor) -> Tensor:
    return 1 + _uniform(count, reach, like)


def _move(images_nhwc: Tensor, wanted: Augment, flips_n: Tensor | None) -> Tensor:
    if wanted.rotate or wanted.scale or wanted.shear:
        return _affine(images_nhwc, wanted, flips_n)
    if flips_n is not None:
        images_nhwc = torch.where(flips_n[:, None, None, None], images_nhwc.flip(2), images_nhwc)
    return _shift(images_nhwc, wanted) if wanted.translate else images_nhwc


def _shift(images_nhwc: Tensor, wanted: Augment) -> Tensor:
    """Shift by whole pixels. Images are sorted by their shift, so that each shift is one copy."""
    count, height, width, _ = images_nhwc.shape
    down, right = (round(wanted.translate * side) for side in (height, width))
    padded = _padded(images_nhwc, down, right, wanted.fill)
    shifts = (2 * down + 1) * (2 * right + 1)
    drawn_n = torch.randint(shifts, (count,), device=images_nhwc.device)
    order = drawn_n.argsort()
    padded = padded.index_select(0, order)
    sorted_nhwc, start = torch.empty_like(images_nhwc), 0
    for shift, many in enumerate(torch.bincount(drawn_n, minlength=shifts).tolist()):
        top, left = divmod(shift, 2 * right + 1)
        sorted_nhwc[start : start + many] = padded[start : start + many, top : top + height, left : left + width]
        start += many
    return sorted_nhwc.index_select(0, order.argsort())


def _padded(images_nhwc: Tensor, down: int, right: int, fill: str) -> Tensor:
    count, height, width, channels = images_nhwc.shape
    if fill == "reflect":
        rows, columns = (_reflected(side, by, images_nhwc.device) for side, by in ((height, down), (width, right)))
        return images_nhwc.index_select(1, rows).index_select(2, columns)
    padded = images_nhwc.new_zeros(count, height + 2 * down, width + 2 * right, channels)
    padded[:, down : down + height, right : right + width] = images_nhwc
    return padded


def _reflected(side: int, by: int, device: torch.device) -> Tensor:
    """Return the indices -by..side+by-1, mirrored at the borders without repeating these."""
    steps = torch.arange(-by, side + by, device=device).abs()
    return torch.where(steps >= side, 2 * (side - 1) - steps, steps)


def _affine(images_nhwc: Tensor, wanted: Augment, flips_n: Tensor | None) -> Tensor:
    """Rotate, shear, scale, shift and flip in one bilinear sampling about the centre."""
    count, height, width, channels = images_nhwc.shape
    angle, shear = (torch.deg2rad(_uniform(count, reach, images_nhwc)) for reach in (wanted.rotate, wanted.shear))
    size_n = _factors(count, wanted.scale, images_nhwc)
    mirror_n = torch.ones_like(size_n) if flips_n is None else 1 - 2 * flips_n.to(size_n.dtype)
    cos, sin, slant = angle.cos() / size_n, angle.sin() / size_n, shear.tan()
    aspect = height / width  # sampling positions run from -1 to 1 on either side, also where the sides differ
    right, down = (2 * _uniform(count, wanted.translate, images_nhwc) for _ in range(2))
    rows = (cos * mirror_n, (cos * slant - sin) * aspect * mirror_n, right, sin / aspect, sin * slant + cos, down)
    theta_n23 = torch.stack(rows, dim=1).reshape(count, 2, 3)
    grid = F.affine_grid(theta_n23, [count, channels, height, width], align_corners=False)
    padding = "reflection" if wanted.fill == "reflect" else "zeros"
    pixels_nchw = images_nhwc.permute(0, 3, 1, 2).contiguous().to(torch.float32)
    moved = F.grid_sample(pixels_nchw, grid, mode="bilinear", padding_mode=padding, align_corners=False)
    return moved.permute(0, 2, 3, 1)


def _colour(images_nhwc: Tensor, wanted: Augment) -> Tensor:
    """Change brightness, contrast and saturation: x -> a x + b gray(x) + c, by image."""
    if not (wanted.brightness or wanted.contrast or wanted.saturation):
        return images_nhwc
    count, channels = len(images_nhwc), images_nhwc.shape[3]
    pixels = images_nhwc.to(torch.float32)
    gray = pixels @ pixels.new_tensor(GRAY_OF_RGB) if channels == 3 else pixels.mean(3)
    light, contrast, colour = (
        _factors(count, reach, pixels)[:, None, None]
        for reach in (wanted.brightness, wanted.contrast, wanted.saturation)
    )
    if channels == 1:
        colour = torch.ones_like(colour)
    flat = (1 - contrast) * light * gray.mean((1, 2), keepdim=True)
    toward_gray = (1 - colour) * contrast * light * gray + flat
    return (pixels * (colour * contrast * light)[..., None] + toward_gray[..., None]).clamp_(0, 255)


def _sharpen(images_nhwc: Tensor, reach: float) -> Tensor:
    """Mix with a smoothed copy: factors below 1 blur, above 1 sharpen. The border stays as it is."""
    pixels_nchw = images_nhwc.permute(0, 3, 1, 2).to(torch.float32)
    kernel = torch.ones(3, 3, device=pixels_nchw.device)
    kernel[1, 1] = SHARPNESS_CENTRE
    channels = pixels_nchw.shape[1]
    smooth = pixels_nchw.clone()
    weights = (kernel / SHARPNESS_SUM).expand(channels, 1, 3, 3)
    smooth[:, :, 1:-1, 1:-1] = F.conv2d(pixels_nchw, weights, groups=channels)
    factor = _factors(len(pixels_nchw), reach, pixels_nchw)[:, None, None, None]
    return (smooth + factor * (pixels_nchw - smooth)).clamp_(0, 255).permute(0, 2, 3, 1)


def _blur(images_nhwc: Tensor, largest_sigma: float) -> Tensor:
    """Blur with a Gaussian whose sigma is drawn between 0 and ``largest_sigma`` pixels, by image."""
    reach = math.ceil(2 * largest_sigma)
    sigma_n = (torch.rand(len(images_nhwc), device=images_nhwc.device) * largest_sigma).clamp_min(1e-3)
    offsets = torch.arange(-reach, reach + 1, device=images_nhwc.device)
    weights_nk = torch.exp(-0.5 * (offsets / sigma_n[:, None]) ** 2)
    weights_nk /= weights_nk.sum(1, keepdim=True)
    pixels = images_nhwc.to(torch.float32)
    for axis in (1, 2):
        side = pixels.shape[axis]
        taps = (
            pixels.index_select(axis, (torch.arange(side, device=pixels.device) + int(offset)).clamp(0, side - 1))
            * weights_nk[:, tap, None, None, None]
            for tap, offset in enumerate(offsets)
        )
        pixels = torch.stack(list(taps)).sum(0)
    return pixels


def _add_noise(images_nhwc: Tensor, deviation: float) -> Tensor:
    """Add normal noise whose deviation is drawn between 0 and ``deviation`` (of pixels in 0..1), by image."""
    reach_n = torch.rand(len(images_nhwc), device=images_nhwc.device) * (255 * deviation)
    noise = torch.randn(images_nhwc.shape, device=images_nhwc.device) * reach_n[:, None, None, None]
    return (images_nhwc + noise).clamp_(0, 255)


def _cut_out(images_nhwc: Tensor, fraction: float) -> Tensor:
    """Put a square of the batch's mean colour somewhere into each image (DeVries and Taylor 2017); part of it may lie
    outside."""
    count, height, width, _ = images_nhwc.shape
    rows, columns = (_band(count, side, fraction, images_nhwc) for side in (height, width))
    hidden = (rows[:, :, None] & columns[:, None, :])[..., None]
    mean_c = images_nhwc.to(torch.float32).mean((0, 1, 2)).to(images_nhwc.dtype)
    return torch.where(hidden, mean_c, images_nhwc)


def _band(count: int, side: int, fraction: float, like: Tensor) -> Tensor:
    """Return which of ``side`` positions lie within a band about a centre drawn for each image."""
    length = round(fraction * side)
    start_n = torch.randint(side, (count, 1), device=like.device) - length // 2
    position = torch.arange(side, device=like.device)
    return (position >= start_n) & (position < start_n + length)


def _mix(images_nhwc: Tensor, labels_n: Tensor, wanted: Augment) -> Batch:
    """Mix each image with another of its batch, in one proportion for all: mixup (Zhang et al. 2018) adds them up,
    cutmix (Yun et al. 2019) puts a rectangle of one into the other."""
    alpha = wanted.mixup or wanted.cutmix
    share = _beta(alpha)
    order = torch.randperm(len(labels_n), device=images_nhwc.device)
    partners = images_nhwc.index_select(0, order)
    if wanted.mixup:
        return Batch(torch.lerp(partners.float(), images_nhwc.float(), share), labels_n, labels_n[order], share)
    height, width = images_nhwc.shape[1:3]
    tall, wide = (round(side * math.sqrt(1 - share)) for side in (height, width))
    top, left = (int(torch.randint(side + 1, ())) for side in (height - tall, width - wide))
    mixed = images_nhwc.clone()
    mixed[:, top : top + tall, left : left + wide] = partners[:, top : top + tall, left : left + wide]
    return Batch(mixed, labels_n, labels_n[order], 1 - tall * wide / (height * width))


def _beta(alpha: float) -> float:
    """Draw from Beta(alpha, alpha) through two Gamma draws of torch's own generator."""
    first, second = torch._standard_gamma(torch.full((2,), float(alpha), dtype=torch.float64)).tolist()
    return float(first / (first + second))
