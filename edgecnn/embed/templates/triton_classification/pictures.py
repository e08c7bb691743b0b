"""What a classifier is sent of a picture, and what is said of its answers."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from golden import compare, decode

INPUT, OUTPUTS = "image", ("probabilities",)

Infer = Callable[[np.ndarray], dict[str, np.ndarray]]  # images_nhwc -> outputs by name


class PictureError(Exception):
    """A file that is no picture for the model, in a sentence."""


def tensors(card: dict[str, Any]) -> dict[str, tuple[str | int, ...]]:
    """Return the type and the sizes after the first, that of the batch, of what is sent and what comes back."""
    sizes = (card["input"][key] for key in ("height", "width", "channels"))
    return {INPUT: ("UINT8", *sizes), "probabilities": ("FP32", len(card["labels"]))}


def read(path: str, card: dict[str, Any]) -> np.ndarray:
    """Read a binary PGM or PPM file of exactly the model's size, as uint8 (1, height, width, channels)."""
    height, width, channels = (card["input"][key] for key in ("height", "width", "channels"))
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise PictureError(f"{path}: cannot be read ({error.strerror})") from error
    kind, suffix = ("P5", "PGM") if channels == 1 else ("P6", "PPM")
    header = re.match(rf"{kind}\s+{width}\s+{height}\s+255\s".encode(), content)
    if header is None or len(content) != header.end() + height * width * channels:
        raise PictureError(f"{path}: expected a binary {suffix} of {width}x{height}, 0..255, without comments")
    return np.frombuffer(content, np.uint8, offset=header.end()).reshape(1, height, width, channels)


def lines(answers: dict[str, np.ndarray], card: dict[str, Any]) -> list[str]:
    """Return label and probability of the picture."""
    row = answers["probabilities"][0]
    return [f"{card['labels'][row.argmax()]}  {row.max():.1%}"]


def tested(card: dict[str, Any], infer: Infer) -> tuple[bool, str]:
    """Ask for the golden images one by one, and return whether the answers are the card's, and a sentence on it."""
    images = decode(card["golden"]["images_nhwc"])
    result: tuple[bool, str] = compare(
        np.concatenate([infer(image[None])["probabilities"] for image in images]), card["golden"]
    )
    return result
