"""What the pictures look like that a model was made for, and whether one looks so; what brings ink on paper there.

A classifier answers whatever it is shown: one that knows light ink on black alone is confident about a pen's digit on
paper, and wrong. Three plain figures of a picture at the model's size tell it: the level of its border, the share of
pixels that stand out from that, and how far these reach. Models whose training images have backgrounds of all kinds, as
photographs have, know none that is foreign, and are not watched.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecnn.card import Appearance, ImageInput, ModelCard, Spread
from edgecnn.errors import ImageError
from edgecnn.runtime.image import checked_frame, resize, to_input

MOST_IMAGES = 10_000  # of a training set, evenly spaced
IMAGES_AT_ONCE = 64
OUTLIERS = 0.1  # percent of the training images that are passed over at either end
STANDS_OUT = 64  # gray levels from the border
ONE_BACKGROUND = 64  # gray levels between the borders of a watched model's training images, at most
BORDER_MARGIN = 48  # gray levels
SHARE_MARGIN, REACH_MARGIN = 2.0, 1.25  # factors
FEW, WIDER = 100, 2.0  # fewer images show the kind, but not how far it goes: the last two margins are so much wider

LARGEST_SIDE = 640  # of the pixels in which ink is looked for
PAPER, INK = 0.3, 0.7  # of the strongest contrast: paper and the lines on it below, ink above
LEAST_INK = 0.3  # mean of a pixel and those around it: a stroke of one pixel counts, a speck does not
LEAST_CONTRAST = 30  # gray levels; a picture of nothing stays nothing
SAME_PAPER = 25  # gray levels around the plane through the border within which it is paper


def measured(images_nhwc: NDArray[np.uint8]) -> Appearance:
    """Say what images look like: uint8 (N, H, W, C), at least one."""
    count = min(len(images_nhwc), MOST_IMAGES)
    chosen = images_nhwc[np.linspace(0, len(images_nhwc) - 1, count).round().astype(np.int64)]
    some = range(0, count, IMAGES_AT_ONCE)
    figures_n3 = np.concatenate([_figures(chosen[start : start + IMAGES_AT_ONCE]) for start in some])
    low, median, high = np.percentile(figures_n3, [OUTLIERS, 50, 100 - OUTLIERS], axis=0).round(4).tolist()
    background, share, reach = (Spread(*values) for values in zip(low, median, high, strict=True))
    return Appearance(count, background, share, reach)


def known(card: ModelCard) -> Appearance | None:
    """Return what a classifier's images look like where their backgrounds are alike, else None.

    The golden images show it of gray models whose card does not say it.
    """
    if card.appearance is None and card.input.channels != 1:
        return None
    found = card.appearance or measured(card.golden.images_nhwc)
    return found if found.background.high - found.background.low <= ONE_BACKGROUND else None


def difference(image_hwc: NDArray[np.uint8], expected: Appearance) -> str | None:
    """Say in what an image of the model's size is unlike those that the model was made for; None where in nothing."""
    return differences(image_hwc[None], expected)[0]


def differences(images_nhwc: NDArray[np.uint8], expected: Appearance) -> list[str | None]:
    """Say of each image, uint8 (N, H, W, C), at least one, what ``difference`` does."""
    figures_n3 = _figures(images_nhwc).tolist()
    return [_difference(background, share, reach, expected) for background, share, reach in figures_n3]


def _difference(background: float, share: float, reach: float, expected: Appearance) -> str | None:
    wider = WIDER if expected.images < FEW else 1.0
    theirs = expected.background
    if not theirs.low - BORDER_MARGIN <= background <= theirs.high + BORDER_MARGIN:
        return f"the background is {_shade(background)}, in the model's images {_shade(theirs.median)}"
    if not _within(reach, expected.reach, REACH_MARGIN * wider):
        found = f"reaches over {reach:.0%} of the side" if share else "is nothing"
        return f"what is on the background {found}, in the model's images over {_range(expected.reach)}"
    if not _within(share, expected.share, SHARE_MARGIN * wider**2):
        return f"what is on the background covers {share:.0%}, in the model's images {_range(expected.share)}"
    return None


def _figures(images_nhwc: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return background, share and reach of images, float64 (N, 3); all at once, which costs a tenth of one by one."""
    height, width = images_nhwc.shape[1:3]
    wanted = ImageInput(height, width, 1)
    gray_nhw = np.stack([to_input(image_hwc, wanted)[..., 0] for image_hwc in images_nhwc])
    background_n = np.median(gray_nhw[:, _edge((height, width))], axis=1)
    on_it_nhw = np.abs(gray_nhw - background_n.astype(np.float32)[:, None, None]) >= STANDS_OUT
    reach_n = np.maximum(*(_reach(on_it_nhw.any(axis=axis)) for axis in (1, 2)))
    return np.column_stack([background_n, on_it_nhw.mean(axis=(1, 2)), reach_n])


def _reach(there_np: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how much of each row lies between its first True and its last, 0..1; nothing where there is none."""
    side = there_np.shape[1]
    length_n = side - there_np[:, ::-1].argmax(axis=1) - there_np.argmax(axis=1)
    result: NDArray[np.float64] = np.where(there_np.any(axis=1), length_n, 0) / side
    return result


def _edge(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return a mask (H, W) of the outermost pixels."""
    mask_hw = np.ones(shape, bool)
    mask_hw[1:-1, 1:-1] = False
    return mask_hw


def _extent(there_p: Any) -> tuple[int, int]:
    """Return where the first True is and where the last one ends; 0, 0 where there is none."""
    places = np.flatnonzero(there_p)
    return (int(places[0]), int(places[-1]) + 1) if len(places) else (0, 0)


def _within(value: float, spread: Spread, factor: float) -> bool:
    return spread.low / factor <= value <= spread.high * factor


def _shade(level: float) -> str:
    return f"{'dark' if level < 85 else 'light' if level > 170 else 'gray'} ({level:.0f} of 255)"


def _range(spread: Spread) -> str:
    return f"{spread.low:.0%} to {spread.high:.0%}"


def ink_alone(frame: NDArray[np.uint8], wanted: ImageInput, expected: Appearance) -> NDArray[np.uint8]:
    """Bring ink on any even paper to what a model expects: the ink alone, on its background, framed as its images are.

    The longer side of the ink gets the usual reach, and its center of mass the middle, as far as all of it stays inside
    (the rule of MNIST, LeCun et al. 1998). Returns uint8 of the model's shape. Raises ImageError as ``to_input`` does,
    and where there is no ink.
    """
    return ink_found(frame, wanted, expected)[0]


def ink_found(
    frame: NDArray[np.uint8], wanted: ImageInput, expected: Appearance
) -> tuple[NDArray[np.uint8], tuple[float, float, float, float]]:
    """Return what ``ink_alone`` does, and where the ink is: x, y, width and height in pixels of the frame."""
    share_hw = _ink(frame)
    (left, right), (top, bottom) = (_extent((_smoothed(share_hw) >= LEAST_INK).any(axis=axis)) for axis in (0, 1))
    if left == right:
        raise ImageError("no ink: nothing stands out from the paper.")
    down, across = (whole / part for whole, part in zip(frame.shape, share_hw.shape, strict=False))
    box = (left * across, top * down, (right - left) * across, (bottom - top) * down)
    ink_hw = share_hw[top:bottom, left:right]
    scale = expected.reach.median / max(ink_hw.shape[0] / wanted.height, ink_hw.shape[1] / wanted.width)
    height, width = (max(1, round(side * scale)) for side in ink_hw.shape)
    small_hw: Any = resize((ink_hw * 255).astype(np.uint8)[..., None], height, width)[..., 0] / np.float32(255)
    small_hw /= small_hw.max()  # thin strokes are faint when scaled down
    canvas_hw = np.zeros((wanted.height, wanted.width), np.float32)
    y, x = (_start(small_hw.sum(axis=1 - axis), canvas_hw.shape[axis]) for axis in (0, 1))
    canvas_hw[y : y + height, x : x + width] = small_hw
    paper, full = expected.background.median, 255.0 if expected.background.median < 128 else 0.0
    image_hw = np.floor(paper + canvas_hw * (full - paper) + 0.5).astype(np.uint8)
    return np.repeat(image_hw[..., None], wanted.channels, axis=2), box


def _ink(frame: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return how much each pixel of a frame, scaled down where it is large, is ink: 0 to 1."""
    tall, wide = checked_frame(frame).shape[:2]
    factor = min(1.0, LARGEST_SIDE / max(tall, wide))
    size = ImageInput(max(1, round(tall * factor)), max(1, round(wide * factor)), 1)
    gray_hw = to_input(frame, size)[..., 0].astype(np.float32)
    contrast_hw = np.abs(gray_hw - _paper(gray_hw))
    strongest = max(float(np.percentile(contrast_hw, 99.5)), LEAST_CONTRAST)
    result: NDArray[np.float32] = ((contrast_hw / strongest - PAPER) / (INK - PAPER)).clip(0, 1)
    return result


def _smoothed(share_hw: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of each pixel and its eight neighbors."""
    padded = np.pad(share_hw, 1)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    result: NDArray[np.float32] = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9
    return result


def _paper(gray_hw: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the plane through the border's pixels, twice, the second time without those that are far from it."""
    places = np.indices(gray_hw.shape, dtype=np.float32)
    rows, columns = places[0], places[1]
    edge = _edge(gray_hw.shape)
    levels = gray_hw[edge]
    terms = np.column_stack([np.ones_like(levels), rows[edge], columns[edge]])
    plane = np.linalg.lstsq(terms, levels, rcond=None)[0]
    near = np.abs(levels - terms @ plane) <= SAME_PAPER
    if near.any():
        plane = np.linalg.lstsq(terms[near], levels[near], rcond=None)[0]
    level, down, across = plane.tolist()
    result: NDArray[np.float32] = level + rows * np.float32(down) + columns * np.float32(across)
    return result


def _start(mass_p: NDArray[np.float32], side: int) -> int:
    """Return where to place a strip so that its center of mass is in the middle of ``side``, if it stays inside."""
    center = float((mass_p * (np.arange(len(mass_p)) + 0.5)).sum() / mass_p.sum())
    return min(side - len(mass_p), max(0, round(side / 2 - center)))
