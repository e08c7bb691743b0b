"""How pictures look: one font, thin axes, colors that are told apart in light and dark and by color-blind readers.

What is neutral is drawn in ``INK``; in a page's pictures it follows the reader's choice of light or dark.
"""

import contextlib
import io
import re
from collections.abc import Iterator
from typing import Any

import matplotlib
from matplotlib import rcsetup
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure

INK, DARK_INK = "#1f2329", "#e3e7ec"
PAPER, DARK_PAPER = "#fffffe", "#15181c"
MUTED, MODEL, REFERENCE, RIGHT, WRONG = "#8a8f98", "#2f7fd6", "#d9761a", "#2a9d63", "#d64550"  # either background
CYCLE = (MODEL, REFERENCE, RIGHT, "#9a6bd6", WRONG, "#1a9aaa", "#b08a2e", "#d667a8", "#6b8f3a", MUTED)
WIDTH = 8.4  # inches of a picture that fills the page

_SETTINGS: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so that pictures are the same anywhere
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.titleweight": "regular",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.prop_cycle": rcsetup.cycler(color=CYCLE),
    "figure.facecolor": "none",
    "grid.color": MUTED,
    "grid.linewidth": 0.5,
    "grid.alpha": 0.35,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "image.interpolation": "nearest",
    "svg.fonttype": "path",
    "svg.hashsalt": "edgecnn",  # the same picture has the same bytes
}
_BACKGROUND = re.compile(r'<path d="[^"]*"\s+style="fill: #ffffff"\s*/>')  # of the whole picture, the first of them
_FOLLOWS = (  # the reader's choice, in a picture that stands in a page
    f"<style>:root{{--ink:{INK};--paper:{PAPER}}}"
    f"@media (prefers-color-scheme:dark){{:root{{--ink:{DARK_INK};--paper:{DARK_PAPER}}}}}</style>"
)


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Draw in the project's style; matplotlib's own settings are back when the block ends."""
    with matplotlib.rc_context(_SETTINGS):
        yield


def new(columns: float = 1.0, height: float = 3.0) -> Figure:
    """Return an empty picture that takes that share of the page's width, and so many inches of height."""
    return Figure(figsize=(WIDTH * columns, height), layout="constrained")


def grid(axes: Axes) -> None:
    """Draw thin lines behind what is plotted."""
    axes.grid(visible=True)
    axes.set_axisbelow(True)


def bare(axes: Axes) -> None:
    """Take ticks and frame away, as around an image."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def shades(color: str = MODEL) -> Colormap:
    """Return shades of a color, from nothing to all of it, that fit any background."""
    return LinearSegmentedColormap.from_list("shades", [to_rgba(color, 0.0), to_rgba(color, 1.0)])


def laid_out(figure: Figure) -> Figure:
    """Place everything in a picture, once for all formats that it is written in: that is half of the time it takes."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")
    return figure


def plain_svg(figure: Figure) -> str:
    """Return a picture as SVG for other programs: ink on white."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, facecolor="white", dpi=144)
    return buffer.getvalue()


def following(plain: str) -> str:
    """Return such an SVG without a background, with ink that is dark on light pages and light on dark ones."""
    text = _BACKGROUND.sub("", plain[plain.index("<svg") :], count=1)
    text = text.replace(INK, "var(--ink)").replace(PAPER, "var(--paper)")
    return re.sub(r"(<svg[^>]*>)", lambda found: found[0] + _FOLLOWS, text, count=1)


def png(figure: Figure) -> bytes:
    """Return a picture as PNG on white, 144 dots per inch."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=144, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()
