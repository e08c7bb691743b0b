"""The colors, sizes and scales that the pictures of networks share."""

from collections.abc import Iterable

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, hsv_to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edgecnn.report import style
from edgecnn.text import picture_text

Color = tuple[float, float, float]

INK, REFERENCE, CANDIDATE, WARNING = style.INK, style.MUTED, style.MODEL, style.REFERENCE
HEAT = (0.88, 0.25, 0.05)
LETTERS, SMALL = 9.0, 8.0  # points
WIDTH = style.WIDTH


def figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches, without a background."""
    return Figure(figsize=(width, height), facecolor="none")


def bare(axes: Axes) -> Axes:
    """Take ticks, frame and background off."""
    axes.set_axis_off()
    axes.patch.set_alpha(0)
    return axes


def quiet(axes: Axes, *, left: bool = False) -> Axes:
    """Leave the line that values stand on alone, in ink that is read on any page."""
    axes.patch.set_alpha(0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines["left"].set_visible(left)
    for spine in axes.spines.values():
        spine.set_color(INK)
        spine.set_linewidth(0.6)
    axes.tick_params(colors=INK, labelsize=SMALL, length=2.5, width=0.6)
    return axes


def write(axes: Axes, text: str, *, x: float = 0, y: float = 1, size: float = LETTERS, **style: object) -> None:
    """Write into the axes' own unit square."""
    merged: dict[str, object] = {"color": INK, "va": "top", "ha": "left", "transform": axes.transAxes} | style
    axes.text(x, y, picture_text(text), fontsize=size, **merged)  # type: ignore[arg-type]


def classes(count: int) -> list[Color]:
    """Return a color for each class: ten that are told apart, or hues around the circle in three shades."""
    if count <= 10:
        return [_color(colormaps["tab10"](place)) for place in range(count)]
    shades = ((0.85, 0.75), (0.6, 0.9), (0.95, 0.55))
    return [_color(hsv_to_rgb((place / count, *shades[place % 3]))) for place in range(count)]


def _color(parts: Iterable[float]) -> Color:
    red, green, blue, *_ = (float(part) for part in parts)
    return red, green, blue


def diverging() -> Colormap:
    """Return blue for less than nothing, orange for more, and near white between."""
    return colormaps["RdBu_r"]


def heat(values_hw: NDArray[np.float32], strength: float = 0.75) -> NDArray[np.float32]:
    """Return an overlay (H, W, 4): the more above nothing, the more of one color."""
    top = float(values_hw.max())
    share_hw = np.clip(values_hw / top, 0, 1) if top > 0 else np.zeros_like(values_hw)
    overlay = np.empty((*values_hw.shape, 4), np.float32)
    overlay[..., :3], overlay[..., 3] = HEAT, strength * share_hw
    return overlay
