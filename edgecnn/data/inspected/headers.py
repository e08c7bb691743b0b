"""Sizes and color modes of a data set's pictures, as they lie in their files."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgecnn import progress
from edgecnn.data.split import Split
from edgecnn.runtime.image import Header, picture_header

MODES = {
    "1": "black and white",
    "L": "gray",
    "LA": "gray with transparency",
    "P": "palette",
    "RGBA": "RGB with transparency",
    "F": "gray, floating point",
}


@dataclass(frozen=True)
class Sizes:
    """Heights and widths in pixels: how many different ones, the smallest and largest by area, the most common one and
    how many pictures have it."""

    different: int
    smallest: tuple[int, int]
    largest: tuple[int, int]
    common: tuple[int, int]
    with_common: int


def headers(splits: Sequence[Split]) -> tuple[Sizes, dict[str, int]]:
    """Return sizes, and pictures by color mode, the most common first."""
    counts: Counter[Header] = Counter()
    for split in splits:
        if split.files:
            counts.update(picture_header(Path(file)) for file in progress.told(split.files))
        elif len(split):
            height, width, channels = split.images_nhwc.shape[1:]
            counts[Header((height, width), "L" if channels == 1 else "RGB")] += len(split)
    sizes: Counter[tuple[int, int]] = Counter()
    modes: Counter[str] = Counter()
    for header, count in counts.items():
        sizes[header.size] += count
        modes[_said(header.mode)] += count
    common, with_common = sizes.most_common(1)[0]
    by_area = sorted(sizes, key=lambda size: (size[0] * size[1], size))
    return Sizes(len(sizes), by_area[0], by_area[-1], common, with_common), dict(modes.most_common())


def _said(mode: str) -> str:
    return "gray, more than 8 bits" if mode.startswith("I") else MODES.get(mode, mode)
