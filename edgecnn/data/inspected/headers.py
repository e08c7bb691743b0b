"""Sizes and color modes of a data set's pictures, as they lie in their files."""

import contextlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from edgecnn import progress
from edgecnn.data.listed import Entry
from edgecnn.data.split import Split
from edgecnn.errors import ImageError
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


def of_entries(entries: Iterable[Entry]) -> Counter[Header]:
    """Count the headers of pictures; one that has none is passed over."""
    counts: Counter[Header] = Counter()
    for entry in progress.told(list(entries)):
        with contextlib.suppress(ImageError):
            counts[picture_header(entry.content, entry.said)] += 1
    return counts


def of_images(splits: Iterable[Split]) -> Counter[Header]:
    """Count what the headers of images in arrays would be."""
    counts: Counter[Header] = Counter()
    for split in splits:
        height, width, channels = split.images_nhwc.shape[1:]
        counts[Header((height, width), "L" if channels == 1 else "RGB")] += len(split)
    return +counts


def sizes_and_modes(counts: Counter[Header]) -> tuple[Sizes, dict[str, int]]:
    """Return sizes, and pictures by color mode, the most common first."""
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
