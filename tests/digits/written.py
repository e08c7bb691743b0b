"""Pages of printed digits of a height that is asked for."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

FONT = f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf"
DIGIT_OF_EM = 0.73  # how high a digit of this typeface is
PAPER, INK, NOISE = 235, 25, 4.0


def written(
    *, width: int, height: int, height_of_digit: int, columns: int, rows: int, seed: int = 0
) -> tuple[NDArray[np.uint8], str]:
    """Return a page, uint8 (height, width), with digits in rows and columns, and these in reading order."""
    rng = np.random.default_rng(seed)
    page = Image.new("L", (width, height), PAPER)
    draw, font = ImageDraw.Draw(page), ImageFont.truetype(FONT, round(height_of_digit / DIGIT_OF_EM))
    labels = [str(label) for label in rng.integers(0, 10, rows * columns)]
    for index, label in enumerate(labels):
        row, column = divmod(index, columns)
        at = (column + 0.5) * width / columns, (row + 0.5) * height / rows
        draw.text(at, label, fill=INK, font=font, anchor="mm")
    noisy = np.asarray(page) + rng.normal(0, NOISE, (height, width))
    return noisy.clip(0, 255).astype(np.uint8), "".join(labels)


def typed(
    lines: Sequence[str], *, height_of_digit: float, size: tuple[int, int] = (480, 640), bold: bool = False,
    spacing: float = 0.0,
) -> NDArray[np.uint8]:  # fmt: skip
    """Return a frame, uint8 (height, width), with lines of print in its middle; ``spacing`` is added between
    characters, in heights."""
    page = Image.new("L", size[::-1], PAPER)
    draw = ImageDraw.Draw(page)
    font = ImageFont.truetype(FONT.replace(".ttf", "-Bold.ttf" if bold else ".ttf"), height_of_digit / DIGIT_OF_EM)
    step = spacing * height_of_digit
    for row, line in enumerate(lines):
        x = (size[1] - font.getlength(line) - step * (len(line) - 1)) / 2
        y = size[0] / 2 + (row - (len(lines) - 1) / 2) * 2 * height_of_digit
        for place, sign in enumerate(line):
            draw.text((x + font.getlength(line[:place]) + step * place, y), sign, fill=INK, font=font, anchor="lm")
    noisy = np.asarray(page) + np.random.default_rng(0).normal(0, NOISE, size)
    return noisy.clip(0, 255).astype(np.uint8)
