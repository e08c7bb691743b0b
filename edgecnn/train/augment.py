"""Augmentation of whole batches on the device: every image of a batch is drawn its own flip, shift, angle, light.

All draws come from torch's generators (the device's, and for what a whole batch shares the CPU's), so a seed decides
them and saved generators resume them. ``benchmarks/bench_augment.py`` holds the speed to that of torchvision's
transforms, image by image.

Geometry that is no more than flips and shifts by whole pixels moves bytes; rotation, scale and shear sample bilinearly.
Brightness, contrast and saturation, each a mixture of an image with something darker, flatter or grayer (Haeberli and
Voorhies 1994; torchvision defines them so), are one affine map of an image's colors.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from edgecnn.recipes.schema import Augment

GRAY_OF_RGB = (0.299, 0.587, 0.114)  # ITU-R BT.601
SHARPNESS_Center, SHARPNESS_SUM = 5.0, 13.0  # the 3x3 smoothing of Pillow and torchvision: ones around a five
FAR = 20.0  # a Gaussian's exponent from which on its weight, 2e-9, may stay; denormal numbers would be slow
IN_PLACE = ("brightness", "contrast", "saturation", "sharpness", "blur", "noise")
PART = 64  # images that are changed together on a CPU: what its cache holds


@dataclass(frozen=True)
class Batch:
    """Augmented images, uint8 or float32 of 0..255, and what they show: ``labels_n`` and, where images were mixed,
    ``partners_n`` with what share of each image (or of the loss) is still ``labels_n``; ``teacher_nk`` are a teacher's
    logits."""

    images_nhwc: Tensor
    labels_n: Tensor
    partners_n: Tensor | None = None
    share: float = 1.0
    teacher_nk: Tensor | None = None


@dataclass(frozen=True)
class Placement:
    """Where each image of a batch goes: mirrored first where ``mirrored_n``, sheared to the left, scaled, rotated
    clockwise, all about its center, and then moved by fractions of its sides. Angles are in radians."""

    mirrored_n: Tensor
    shear_n: Tensor
    scale_n: Tensor
    angle_n: Tensor
    right_n: Tensor
    down_n: Tensor


def augment(images_nhwc: Tensor, labels_n: Tensor, wanted: Augment, mirrored_n: Tensor | None = None) -> Batch:
    """Vary uint8 images_nhwc (N, H, W, C) as ``wanted``; ``mirrored_n`` decides the alternating flip."""
    images_nhwc = _moved(images_nhwc, wanted, _flips(len(labels_n), wanted, mirrored_n, images_nhwc.device))
    if any(getattr(wanted, name) for name in IN_PLACE):
        planes_nchw = images_nhwc.permute(0, 3, 1, 2).contiguous()  # several times as fast as interleaved colors
        parts = torch.split(planes_nchw, PART if planes_nchw.device.type == "cpu" else len(planes_nchw))
        images_nhwc = torch.cat([_changed_in_place(part, wanted) for part in parts]).permute(0, 2, 3, 1)
    if wanted.cutout:
        images_nhwc = cut_out(images_nhwc.permute(0, 3, 1, 2).contiguous(), wanted.cutout).permute(0, 2, 3, 1)
    if wanted.mixup or wanted.cutmix:
        return _mixed(images_nhwc, labels_n, wanted)
    return Batch(images_nhwc, labels_n)


def alternating_flips(images: int, seed: int, epoch: int) -> Tensor:
    """Tell for each image of the data set whether this epoch shows its mirror image: at random in the first epoch,
    then each time the other way round (Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU")."""
    first_n = torch.rand(images, generator=torch.Generator().manual_seed(seed)) < 0.5
    return first_n ^ bool(epoch % 2)


def flip(images_nhwc: Tensor, flips_n: Tensor) -> Tensor:
    """Mirror the images that ``flips_n`` marks, left to right. Sorted, these are one piece of memory."""
    order, kept = flips_n.byte().argsort(), len(flips_n) - int(flips_n.sum())
    result = images_nhwc.index_select(0, order)
    result[kept:] = result[kept:].flip(2)
    return result.index_select(0, order.argsort())


def shift(images_nhwc: Tensor, steps_n: Tensor, axis: int, fill: str) -> Tensor:
    """Move each image by its integer number of pixels along ``axis``, 1 down or 2 right, by less than its side.

    ``fill`` is zero or reflect; reflection does not repeat the border. Images are sorted by their steps, so that the
    images of one step are one copy.
    """
    side, reach = images_nhwc.shape[axis], int(steps_n.abs().max())
    order = steps_n.argsort()
    padded = _padded(images_nhwc.index_select(0, order), axis, reach, fill)
    of_each_step = torch.split(padded, torch.bincount(steps_n + reach).tolist())  # from -reach on
    moved = [images.narrow(axis, 2 * reach - index, side) for index, images in enumerate(of_each_step)]
    return torch.cat(moved).index_select(0, order.argsort())


def gathered(images_nhwc: Tensor, flips_n: Tensor | None, steps: Sequence[Tensor | None], fill: str) -> Tensor:
    """Return what ``flip`` and then ``shift`` down and right by ``steps`` do, in one kernel and without waiting for
    what was drawn: the way of a GPU."""
    count, height, width, _ = images_nhwc.shape
    (rows, row_inside), (columns, column_inside) = (
        _sources(count, side, steps_n, fill, images_nhwc.device)
        for side, steps_n in zip((height, width), steps, strict=True)
    )
    if flips_n is not None:
        columns = torch.where(flips_n[:, None], width - 1 - columns, columns)
    image = torch.arange(count, device=images_nhwc.device)[:, None, None]
    moved = images_nhwc[image, rows[:, :, None], columns[:, None, :]]
    if fill == "zero":
        moved *= (row_inside[:, :, None] & column_inside[:, None, :])[..., None]
    return moved


def place(images_nhwc: Tensor, where: Placement, fill: str) -> Tensor:
    """Sample bilinearly, to float32; ``fill`` is zero, or reflect, which here repeats the border.

    The forward map of pixels from the center is ``scale R(angle) [1 -tan(shear); 0 1] M(mirrored)``, as in torchvision;
    sampling takes its inverse.
    """
    count, height, width, channels = images_nhwc.shape
    cos, sin, shear = where.angle_n.cos() / where.scale_n, where.angle_n.sin() / where.scale_n, where.shear_n.tan()
    mirror = torch.where(where.mirrored_n, -1.0, 1.0)
    aspect = height / width  # sampling positions run from -1 to 1 on either side, also where the sides differ
    across_x, across_y = (cos - shear * sin) * mirror, (sin + shear * cos) * aspect * mirror
    along_x, along_y = -sin / aspect, cos
    right, down = 2 * where.right_n, 2 * where.down_n
    rows = (
        *(across_x, across_y, -across_x * right - across_y * down),
        *(along_x, along_y, -along_x * right - along_y * down),
    )
    theta_n23 = torch.stack(rows, dim=1).reshape(count, 2, 3)
    grid = F.affine_grid(theta_n23, [count, channels, height, width], align_corners=False)
    planes_nchw = images_nhwc.permute(0, 3, 1, 2).contiguous().to(torch.float32)
    padding = "reflection" if fill == "reflect" else "zeros"
    moved_nchw = F.grid_sample(planes_nchw, grid, mode="bilinear", padding_mode=padding, align_corners=False)
    return moved_nchw.permute(0, 2, 3, 1)


def recolor(planes_nchw: Tensor, brightness_n: Tensor, contrast_n: Tensor, saturation_n: Tensor) -> Tensor:
    """Change brightness, contrast and saturation by factors: x -> a x + b gray(x) + c, by image."""
    light, contrast, color = (factor_n[:, None, None, None] for factor_n in (brightness_n, contrast_n, saturation_n))
    planes_nchw = planes_nchw.to(torch.float32)
    gray = _gray(planes_nchw)
    flat = (1 - contrast) * light * gray.mean((2, 3), keepdim=True)
    toward_gray = (1 - color) * contrast * light * gray + flat
    return torch.addcmul(toward_gray, planes_nchw, color * contrast * light).clamp_(0, 255)


def sharpen(planes_nchw: Tensor, factor_n: Tensor) -> Tensor:
    """Mix with a smoothed copy: factors below 1 blur, above 1 sharpen. The border stays as it is."""
    result, factor = planes_nchw.to(torch.float32, copy=True), factor_n[:, None, None, None]
    rows = (result[..., :-2, :] + result[..., 1:-1, :]).add_(result[..., 2:, :])
    ones = (rows[..., :-2] + rows[..., 1:-1]).add_(rows[..., 2:])
    of_ones = (1 - factor) / SHARPNESS_SUM  # smooth is ones and SHARPNESS_Center - 1 times the image, by the sum
    inner = result[..., 1:-1, 1:-1].mul_(factor + (SHARPNESS_Center - 1) * of_ones)
    inner.addcmul_(ones, of_ones)
    return result.clamp_(0, 255)


def blur(planes_nchw: Tensor, sigma_n: Tensor) -> Tensor:
    """Blur with a Gaussian of ``sigma_n`` pixels; what lies beyond the border has no weight."""
    count, channels, height, width = planes_nchw.shape
    lines_nhcw = planes_nchw.to(torch.float32).permute(0, 2, 1, 3)
    lines_nhcw = _gaussians(sigma_n, height) @ lines_nhcw.reshape(count, height, channels * width)
    lines_nhcw = lines_nhcw.reshape(count, height * channels, width) @ _gaussians(sigma_n, width).mT
    return lines_nhcw.reshape(count, height, channels, width).clamp_(0, 255).permute(0, 2, 1, 3)


def add_noise(planes_nchw: Tensor, deviation_n: Tensor) -> Tensor:
    """Add normal noise of ``deviation_n`` (of pixels in 0..1)."""
    noise = torch.randn(planes_nchw.shape, device=planes_nchw.device)
    return noise.mul_(255 * deviation_n[:, None, None, None]).add_(planes_nchw).clamp_(0, 255)


def cut_out(planes_nchw: Tensor, fraction: float) -> Tensor:
    """Put a square of the batch's mean color somewhere into each image (DeVries and Taylor 2017); part of it may lie
    outside."""
    count, _, *sides = planes_nchw.shape
    rows, columns = (_band(count, side, round(fraction * side), planes_nchw.device) for side in sides)
    hidden = (rows[:, :, None] & columns[:, None, :])[:, None]
    mean_c = planes_nchw.to(torch.float32).mean((0, 2, 3)).round_().to(planes_nchw.dtype)
    return torch.where(hidden, mean_c[:, None, None], planes_nchw)


def _flips(count: int, wanted: Augment, mirrored_n: Tensor | None, device: torch.device) -> Tensor | None:
    if wanted.flip == "random":
        return torch.rand(count, device=device) < 0.5
    return mirrored_n if wanted.flip == "alternating" else None


def _uniform(count: int, reach: float, device: torch.device) -> Tensor:
    """Draw ``count`` numbers in ±reach."""
    return (torch.rand(count, device=device) * 2 - 1) * reach


def _moved(images_nhwc: Tensor, wanted: Augment, flips_n: Tensor | None) -> Tensor:
    """Draw and apply what moves pixels."""
    count, device = len(images_nhwc), images_nhwc.device
    if wanted.rotate or wanted.scale or wanted.shear:
        return place(images_nhwc, _placement(count, wanted, flips_n, device), wanted.fill)
    steps = [_steps(count, wanted.translate, side, device) for side in images_nhwc.shape[1:3]]
    if device.type != "cpu":
        return gathered(images_nhwc, flips_n, steps, wanted.fill)
    if flips_n is not None:
        images_nhwc = flip(images_nhwc, flips_n)
    for axis, steps_n in enumerate(steps, 1):
        if steps_n is not None:
            images_nhwc = shift(images_nhwc, steps_n, axis, wanted.fill)
    return images_nhwc


def _steps(count: int, translate: float, side: int, device: torch.device) -> Tensor | None:
    """Draw by how many pixels of ``side`` each image moves."""
    reach = min(round(translate * side), side - 1)
    return torch.randint(-reach, reach + 1, (count,), device=device) if translate else None


def _placement(count: int, wanted: Augment, flips_n: Tensor | None, device: torch.device) -> Placement:
    return Placement(
        mirrored_n=torch.zeros(count, dtype=torch.bool, device=device) if flips_n is None else flips_n,
        shear_n=_uniform(count, math.radians(wanted.shear), device),
        scale_n=1 + _uniform(count, wanted.scale, device),
        angle_n=_uniform(count, math.radians(wanted.rotate), device),
        right_n=_uniform(count, wanted.translate, device),
        down_n=_uniform(count, wanted.translate, device),
    )


def _changed_in_place(planes_nchw: Tensor, wanted: Augment) -> Tensor:
    """Draw and apply what leaves pixels where they are."""
    count, device = len(planes_nchw), planes_nchw.device
    if wanted.brightness or wanted.contrast or wanted.saturation:
        reaches = (wanted.brightness, wanted.contrast, wanted.saturation)
        planes_nchw = recolor(planes_nchw, *(1 + _uniform(count, reach, device) for reach in reaches))
    if wanted.sharpness:
        planes_nchw = sharpen(planes_nchw, 1 + _uniform(count, wanted.sharpness, device))
    if wanted.blur:
        planes_nchw = blur(planes_nchw, torch.rand(count, device=device) * wanted.blur)
    if wanted.noise:
        planes_nchw = add_noise(planes_nchw, torch.rand(count, device=device) * wanted.noise)
    return planes_nchw


def _sources(count: int, side: int, steps_n: Tensor | None, fill: str, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return for each image where along a side each of its pixels comes from, and whether that is inside."""
    source = torch.arange(side, device=device).expand(count, side)
    if steps_n is not None:
        source = source - steps_n[:, None]
    inside = (source >= 0) & (source < side)
    if fill == "reflect":
        return side - 1 - (side - 1 - source.abs()).abs(), inside
    return source.clamp(0, side - 1), inside


def _padded(images_nhwc: Tensor, axis: int, reach: int, fill: str) -> Tensor:
    """Add ``reach`` pixels before and after along ``axis``."""
    side, shape = images_nhwc.shape[axis], list(images_nhwc.shape)
    shape[axis] += 2 * reach
    padded = images_nhwc.new_zeros(shape)
    padded.narrow(axis, reach, side).copy_(images_nhwc)
    if fill == "reflect":
        padded.narrow(axis, 0, reach).copy_(images_nhwc.narrow(axis, 1, reach).flip(axis))
        padded.narrow(axis, reach + side, reach).copy_(images_nhwc.narrow(axis, side - 1 - reach, reach).flip(axis))
    return padded


def _gray(planes_nchw: Tensor) -> Tensor:
    """Return the luminance of colors, the mean of any other number of channels: (N, 1, H, W)."""
    if planes_nchw.shape[1] != len(GRAY_OF_RGB):
        return planes_nchw.mean(1, keepdim=True)
    red, green, blue = (planes_nchw.narrow(1, channel, 1) for channel in range(3))
    gray = red * GRAY_OF_RGB[0]
    return gray.add_(green, alpha=GRAY_OF_RGB[1]).add_(blue, alpha=GRAY_OF_RGB[2])


def _gaussians(sigma_n: Tensor, side: int) -> Tensor:
    """Return for each sigma the matrix (side, side) that blurs a line of pixels; its rows sum to one."""
    position = torch.arange(side, device=sigma_n.device)
    apart = position[:, None] - position
    halved_squares = (apart / sigma_n.clamp_min(1e-3)[:, None, None]).square_().mul_(0.5)
    weights = torch.exp(-halved_squares.clamp_(max=FAR))
    return weights / weights.sum(2, keepdim=True)


def _band(count: int, side: int, length: int, device: torch.device) -> Tensor:
    """Return which of ``side`` positions lie within a band about a center drawn for each image."""
    start_n = torch.randint(side, (count, 1), device=device) - length // 2
    position = torch.arange(side, device=device)
    return (position >= start_n) & (position < start_n + length)


def _mixed(images_nhwc: Tensor, labels_n: Tensor, wanted: Augment) -> Batch:
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
