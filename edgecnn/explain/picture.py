"""An explanation as a picture, or as a page of its own: PNG or HTML, by the name of the file."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from edgecnn import files
from edgecnn.errors import EdgecnnError
from edgecnn.explain.answer import Explanation, said
from edgecnn.report import page_html, style
from edgecnn.report.inside import ink, maps, tiles
from edgecnn.text import counted, picture_text, shortened
from edgecnn.version import __version__

WIDTH, PANEL = ink.WIDTH, 1.9  # inches
SHOWN = 5  # classes
SUFFIXES = (".png", ".html")
MARGIN = 24  # pixels around the parts of a PNG
PAPER = (255, 255, 255, 255)


@dataclass(frozen=True, eq=False)
class Part:
    """One figure with what is said under it, and in its place to who does not see it."""

    title: str
    caption: str
    alt: str
    figure: Figure


def write_picture(explanation: Explanation, path: str | Path) -> Path:
    """Write an explanation as ``.png`` or ``.html``. Raises EdgecnnError for another suffix."""
    target = checked(path)
    with style.style():
        found = parts(explanation)
        if target.suffix.lower() == ".png":
            files.write_bytes(target, _png(found))
        else:
            files.write_text(target, _page(explanation, found))
    return target


def checked(path: str | Path) -> Path:
    """Return a path that can be written to. Raises EdgecnnError for one of another suffix."""
    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise EdgecnnError(f"{target}: an explanation is a .png or a .html file, as in -o {target.stem or 'it'}.html")
    return target


def parts(explanation: Explanation) -> list[Part]:
    """Return the figures: the answer and where it lies in the image, the nearest training images, the maps."""
    best = explanation.best
    found = [
        Part(
            "What the answer rests on",
            f"Red is what the answer rests on: {said(explanation)}."
            + (" Grad-CAM weighs the maps of the last convolution by their gradients." if explanation.grad_cam else ""),
            f"The image, the probabilities of its {min(SHOWN, len(explanation.ranked))} best classes, of which "
            f"{best.label} is first with {best.probability:.1%}, and the image with what the answer rests on in red.",
            _answer(explanation),
        )
    ]
    if explanation.neighbors:
        labels = ", ".join(one.label for one in explanation.neighbors)
        caption = (
            f"Of {counted(explanation.compared, 'training image')} those whose features before the last layer point in "
            "the most similar direction; the number is the cosine of the angle between."
        )
        alt = f"The nearest training images, nearest first: {labels}."
        found.append(Part("Nearest training images", caption, alt, _neighbors(explanation)))
    caption = "Of each layer the maps that vary most over the image, dark is low and yellow is high."
    alt = f"Maps of {len(maps.shown(explanation.layers, explanation.maps))} layers, one row each."
    values = {name: array[None] for name, array in explanation.maps.items()}
    drawn = maps.draw(explanation.image_hwc[None], explanation.layers, [maps.File("", values)])
    return [*found, Part("What the layers see", caption, alt, drawn)]


def _answer(explanation: Explanation) -> Figure:
    panels = 4 if explanation.grad_cam else 3
    figure = ink.figure(WIDTH, PANEL + 0.2)
    width, height = PANEL / WIDTH, PANEL / (PANEL + 0.2)
    step = (1 - width) / (panels - 1)
    image = tiles.opaque(explanation.image_hwc)
    axes = [figure.add_axes((place * step, 0, width, height)) for place in range(panels)]
    _titled(axes[0], image, "the image")
    _bars(axes[1], explanation)
    _titled(axes[2], _pale(image), "what it rests on", np.maximum(explanation.occlusion.evidence_hw, 0))
    if explanation.grad_cam:
        _titled(axes[3], _pale(image), f"Grad-CAM, {explanation.grad_cam.layer}", explanation.grad_cam.map_hw)
    return figure


def _titled(axes: Axes, image: tiles.Rgba, title: str, overlay_hw: NDArray[np.float32] | None = None) -> None:
    tiles.show(axes, image)
    if overlay_hw is not None:
        axes.imshow(ink.heat(overlay_hw), interpolation="nearest")
    ink.write(axes, shortened(title, 28), y=1.1, size=ink.SMALL)


def _pale(image: tiles.Rgba) -> tiles.Rgba:
    """Return a picture in gray between its colors and the middle, so that a color laid over it is seen."""
    gray_hw = image[..., :3].mean(axis=2)
    shown = np.repeat((0.25 + 0.6 * gray_hw)[..., None], 4, axis=2)
    shown[..., 3] = 1
    return shown


def _bars(axes: Axes, explanation: Explanation) -> None:
    best = explanation.ranked[:SHOWN]
    ink.bare(axes)
    axes.set_xlim(0, 1.0)
    axes.set_ylim(SHOWN - 0.3, -0.7)
    for place, one in enumerate(best):
        color = ink.CANDIDATE if place == 0 else ink.REFERENCE
        axes.barh(place + 0.18, one.probability, height=0.28, color=color)
        axes.text(
            0, place - 0.22, picture_text(shortened(one.label, 18)), fontsize=ink.SMALL, color=ink.INK, va="center"
        )
        axes.text(1, place - 0.22, f"{one.probability:.2%}", fontsize=ink.SMALL, color=ink.INK, va="center", ha="right")
    ink.write(axes, "probabilities", y=1.1, size=ink.SMALL)


def _neighbors(explanation: Explanation) -> Figure:
    count = len(explanation.neighbors)
    side = WIDTH / count
    figure = ink.figure(WIDTH, side + 0.25)
    for place, one in enumerate(explanation.neighbors):
        axes = figure.add_axes((place / count, 0.25 / (side + 0.25), 0.93 / count, side / (side + 0.25)))
        tiles.show(axes, tiles.opaque(one.image_hwc))
        same = one.label == explanation.best.label
        text = f"{shortened(one.label, 12)}  {one.similarity:.3f}"
        ink.write(axes, text, y=-0.06, size=ink.SMALL, color=ink.INK if same else ink.WARNING)
    return figure


def _png(found: list[Part]) -> bytes:
    """Lay the parts under each other on white, each under its title."""
    drawn = [_pixels(one) for part in found for one in (_heading(part.title), part.figure)]
    width = max(picture.width for picture in drawn) + 2 * MARGIN
    whole = Image.new("RGBA", (width, sum(one.height + MARGIN for one in drawn) + MARGIN), PAPER)
    top = MARGIN
    for picture in drawn:
        whole.alpha_composite(picture, (MARGIN, top))
        top += picture.height + MARGIN
    buffer = io.BytesIO()
    whole.convert("RGB").save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _heading(title: str) -> Figure:
    figure = ink.figure(WIDTH, 0.22)
    figure.text(0, 0.5, picture_text(title), fontsize=ink.LETTERS + 4, va="center")
    return figure


def _pixels(figure: Figure) -> Image.Image:
    with Image.open(io.BytesIO(style.png(figure))) as picture:
        return picture.convert("RGBA")


def _page(explanation: Explanation, found: list[Part]) -> str:
    page = page_html.templates().get_template("explain.html")
    return page.render(
        model=explanation.model,
        best=explanation.best,
        parts=[(part, page_html.data_url(part.figure)) for part in found],
        remarks=explanation.remarks,
        version=__version__,
    )
