"""What a camera makes of a page: light and shadow, blur, noise, resampling and compression."""

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgecnn.digits.pages.opencv import cv2

Gray = NDArray[np.float32]

GRAIN = 1024  # pixels of a sheet of noise
COARSE = 8  # shadows are drawn this much smaller


def lighting(rng: np.random.Generator, height: int, width: int) -> Gray:
    """Return a factor for each pixel, at most about 1.1: even light, gradients, vignetting, shadows."""
    light = np.full((height, width), 1.0, np.float32)
    if rng.random() < 0.6:
        light *= _uneven(rng, height, width, rng.uniform(0.05, 0.5))
    if rng.random() < 0.25:
        light *= _vignette(height, width, rng.uniform(0.1, 0.5))
    if rng.random() < 0.3:
        light *= _shadow(rng, height, width)
    return light


def glare(rng: np.random.Generator, height: int, width: int) -> Gray:
    """Return how much of each pixel, 0 to about 0.7, is the light of a lamp that a surface throws back."""
    tall, wide = max(height // COARSE, 4), max(width // COARSE, 4)
    small = np.zeros((tall, wide), np.float32)
    middle, sides = rng.uniform(0, 1, 2) * (wide, tall), rng.uniform(0.05, 0.5, 2) * (wide, tall)
    ellipse = (middle.tolist(), np.maximum(2 * sides, 1).tolist(), float(rng.uniform(0, 180)))
    cv2.ellipse(small, ellipse, float(rng.uniform(0.2, 0.7)), cv2.FILLED)
    side = int(rng.integers(2, 12))
    return np.asarray(cv2.resize(cv2.blur(small, (side, side)), (width, height)), np.float32)


def screen(rng: np.random.Generator, height: int, width: int) -> Gray:
    """Return a factor for each pixel: what a camera makes of a screen's own pixels, stripes across stripes (moire)."""
    depth, result = rng.uniform(0.02, 0.14), np.ones((height, width), np.float32)
    lie = rng.uniform(0, np.pi)
    for angle in (lie, lie + np.pi / 2 + rng.normal(0, 0.1)):
        per_pixel = 2 * np.pi / rng.uniform(2.2, 12.0)
        rows = np.arange(height, dtype=np.float32)[:, None] * np.float32(np.sin(angle) * per_pixel)
        columns = np.arange(width, dtype=np.float32) * np.float32(np.cos(angle) * per_pixel)
        result *= 1 + np.float32(depth) * np.sin(rows + columns + np.float32(rng.uniform(0, 6)))
    return result


def _uneven(rng: np.random.Generator, height: int, width: int, depth: float) -> Gray:
    side = int(rng.integers(2, 5))
    grid = rng.uniform(1 - depth, 1.0, (side, side)).astype(np.float32)
    return np.asarray(
        cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC if side > 3 else cv2.INTER_LINEAR), np.float32
    )


def _vignette(height: int, width: int, depth: float) -> Gray:
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None] ** 2
    x = np.linspace(-1, 1, width, dtype=np.float32) ** 2
    fall: Gray = 1 - np.float32(depth / 2) * (x + y)
    return fall


def _shadow(rng: np.random.Generator, height: int, width: int) -> Gray:
    """Return the shadow of something with straight edges, sharp or soft."""
    tall, wide = max(height // COARSE, 4), max(width // COARSE, 4)
    small = np.ones((tall, wide), np.float32)
    corners = rng.uniform(-0.6, 1.6, (int(rng.integers(3, 6)), 2)) * (wide, tall)
    hull = cv2.convexHull(corners.astype(np.float32)).round().astype(np.int32)
    cv2.fillConvexPoly(small, hull, float(rng.uniform(0.45, 0.85)))
    soft = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.blur(soft, (int(rng.integers(3, 25)),) * 2), np.float32)


@dataclass(frozen=True)
class Blur:
    """One way to blur, and how much in pixels as the deviation of its kernel."""

    kind: str
    sigma: float
    angle: float


def drawn_blur(rng: np.random.Generator, unit: float) -> Blur:
    """Draw a blur for digits of ``unit`` pixels: mostly none to speak of, at most a tenth of their height."""
    kind = str(rng.choice(("gaussian", "defocus", "motion"), p=(0.6, 0.25, 0.15)))
    share = float(rng.choice((0.0, rng.uniform(0.0, 0.06), rng.uniform(0.06, 0.09)), p=(0.3, 0.4, 0.3)))
    share *= 0.6 if kind == "motion" else 1.0  # a streak hides more than its deviation says
    return Blur(kind, max(share * unit, 0.35 if rng.random() < 0.7 else 0.0), float(rng.uniform(0, np.pi)))


def blurred(image: Gray, blur: Blur) -> Gray:
    """Apply a blur."""
    if blur.sigma < 0.3:
        return image
    if blur.kind == "gaussian" or blur.sigma < 0.6:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), blur.sigma), np.float32)
    kernel = _disc(2 * blur.sigma) if blur.kind == "defocus" else _streak(3.46 * blur.sigma, blur.angle)
    return np.asarray(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REFLECT), np.float32)


def _disc(radius: float) -> Gray:
    """Return an evenly filled disc: a lens out of focus. Its deviation along one axis is half its radius."""
    reach = int(np.ceil(radius))
    away = np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1])
    disc = np.clip(radius + 0.5 - away, 0, 1).astype(np.float32)
    return np.asarray(disc / disc.sum(), np.float32)


def _streak(length: float, angle: float) -> Gray:
    """Return a straight streak: a camera that moved. Its deviation is its length over the root of twelve."""
    reach = int(np.ceil(length / 2)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    streak = (np.clip(length / 2 + 0.5 - np.abs(along), 0, 1) * np.clip(1 - np.abs(across), 0, 1)).astype(np.float32)
    return np.asarray(streak / streak.sum(), np.float32)


def resampled(rng: np.random.Generator, image: Gray) -> Gray:
    """Scale a picture down a little and up again, as digital zoom does, or sharpen it, as telephones do."""
    kind = rng.random()
    height, width = image.shape
    if kind < 0.15:
        factor = rng.uniform(0.6, 0.95)
        small = cv2.resize(image, (round(width * factor), round(height * factor)), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    if kind < 0.3:
        amount = rng.uniform(0.3, 1.2)
        return np.asarray(
            cv2.addWeighted(image, 1 + amount, cv2.GaussianBlur(image, (0, 0), 1.2), -amount, 0), np.float32
        )
    return image


def noisy(rng: np.random.Generator, image: Gray, sigma: float) -> Gray:
    """Add a sensor's noise; every second time it comes in grains of more than a pixel."""
    height, width = image.shape
    sheet = _grain(bool(rng.random() < 0.5))
    if max(height, width) > GRAIN:
        sheet = np.tile(sheet, (-(-height // GRAIN), -(-width // GRAIN)))
    top, left = int(rng.integers(sheet.shape[0] - height + 1)), int(rng.integers(sheet.shape[1] - width + 1))
    return image + sheet[top : top + height, left : left + width] * np.float32(sigma)


@functools.lru_cache(maxsize=2)
def _grain(coarse: bool) -> Gray:
    """Return a sheet of noise of deviation 1; pages take their pieces from it, since drawing noise is slow."""
    grain = np.random.default_rng(6).standard_normal((GRAIN, GRAIN), np.float32)
    return np.asarray(cv2.GaussianBlur(grain, (0, 0), 0.7), np.float32) * np.float32(2.4) if coarse else grain


def compressed(image_hw: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Write and read as JPEG."""
    written = cv2.imencode(".jpg", image_hw, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(written, cv2.IMREAD_GRAYSCALE), np.uint8)
