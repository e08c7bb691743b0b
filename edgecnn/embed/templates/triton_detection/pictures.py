"""What a detector is sent of a picture, and what is said of its answers."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from golden import compare, decode

INPUT, OUTPUTS = "frame", ("boxes", "scores")

Infer = Callable[[np.ndarray], dict[str, np.ndarray]]  # images_nhwc -> outputs by name


class PictureError(Exception):
    """A file that is no picture for the model, in a sentence."""


def tensors(card: dict[str, Any]) -> dict[str, tuple[str | int, ...]]:
    """Return the type and the sizes after the first of what is sent and what comes back; -1 is any size."""
    return {INPUT: ("UINT8", -1, -1, 1), "boxes": ("FP32", 4), "scores": ("FP32",)}


def read(path: str, card: dict[str, Any]) -> np.ndarray:
    """Read a binary PGM file of any size, as uint8 (1, height, width, 1)."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise PictureError(f"{path}: cannot be read ({error.strerror})") from error
    header = re.match(rb"P5\s+(\d+)\s+(\d+)\s+255\s", content)
    width, height = (int(side) for side in header.groups()) if header else (0, 0)
    if header is None or width * height == 0 or len(content) != header.end() + width * height:
        raise PictureError(f"{path}: expected a binary PGM, 0..255, without comments")
    return np.frombuffer(content, np.uint8, offset=header.end()).reshape(1, height, width, 1)


def lines(answers: dict[str, np.ndarray], card: dict[str, Any]) -> list[str]:
    """Return label, score and box of each thing on the picture, the surest first."""
    return [
        f"{card['labels'][0]}  {score:.1%}  {width:.1f}x{height:.1f} at {x:.1f}, {y:.1f}"
        for (x, y, width, height), score in zip(answers["boxes"], answers["scores"], strict=True)
    ]


def tested(card: dict[str, Any], infer: Infer) -> tuple[bool, str]:
    """Ask for the golden image, and return whether what is detected is the card's, and a sentence on it."""
    answers = infer(decode(card["golden"]["images_nhwc"])[:1])
    result: tuple[bool, str] = compare((answers["boxes"], answers["scores"]), card["golden"])
    return result
