"""A report as one HTML page that needs nothing else: styles and pictures are in it, and no script."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import jinja2
from matplotlib.figure import Figure as Picture

from edgecnn import metrics
from edgecnn.errors import EdgecnnError
from edgecnn.report import style
from edgecnn.report.figure import Figure, Kind, Missing
from edgecnn.report.subject import Subject
from edgecnn.report.verdict import Verdict, single
from edgecnn.text import lines
from edgecnn.version import __version__

KINDS = (".csv", ".png", ".svg")  # of the files beside the page
RASTER_BYTES = 400_000  # a picture whose SVG is larger stands in the page as PNG


@dataclass(frozen=True)
class Tile:
    """One figure of the first screen."""

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class Part:
    """One figure of the page."""

    name: str
    title: str
    figure: Figure | None
    picture: str
    missing: str


def rendered(subject: Subject, said: Verdict, found: Mapping[Kind, Figure | Missing], folder: str) -> str:
    """Return the page. ``folder`` is what the figures' files lie in beside it."""
    return (
        templates()
        .get_template("report.html")
        .render(
            subject=subject,
            card=subject.card,
            source=subject.source,
            verdict=said,
            tiles=tiles(subject),
            parts=[_part(kind, figure) for kind, figure in found.items()],
            folder=folder,
            version=__version__,
        )
    )


def templates() -> jinja2.Environment:
    """Return what pages are made by; what others wrote passes its filter ``shown``."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("edgecnn.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["shown"] = lambda value: lines(str(value))
    return environment


def tiles(subject: Subject) -> list[Tile]:
    """Return what the first screen says in large letters."""
    return [_quality(subject), _speed(subject), _size(subject)]


def _quality(subject: Subject) -> Tile:
    try:
        found = subject.quality
    except EdgecnnError as error:
        return Tile("How good", "not measured", str(error))
    spread = f"95 %: {found.interval[0]:.2%} to {found.interval[1]:.2%}, " if found.interval else ""
    note = (
        f"{metrics.title(found.metric)}; {spread}{found.images:,} images of the {found.split} split of {found.dataset}"
    )
    return Tile("How good", metrics.digits(found.metric, found.value), note)


def _speed(subject: Subject) -> Tile:
    try:
        report = subject.timings
    except EdgecnnError as error:
        return Tile("How fast", "not measured", str(error))
    own = [timing for timing in report.contenders if timing.model == str(subject.models[-1]) and timing.batch == 1]
    best = max(own, key=lambda timing: timing.threads)
    note = f"one image, {best.threads} threads, median; {report.environment.processor}"
    if report.comparisons:
        ratio = single(report.comparisons)
        note = f"{ratio.ratio:.2f} x its reference ({ratio.verdict}); {note}"
    if report.environment.warning:
        note += "; the machine was busy, do not rely on it"
    return Tile("How fast", milliseconds(best.p50_ms), note)


def _size(subject: Subject) -> Tile:
    found, card = subject.inspection, subject.card
    return Tile("How large", size(found.size_bytes), f"{card.parameters:,} parameters, {card.form}; input {card.input}")


def milliseconds(value: float) -> str:
    """Write a latency.

    >>> milliseconds(0.0421), milliseconds(3.14159)
    ('42 µs', '3.14 ms')
    """
    return f"{value * 1e3:.0f} µs" if value < 1 else f"{value:.3g} ms"


def size(count: int) -> str:
    """Write a file's size.

    >>> size(18_432), size(4_450_000)
    ('18.4 kB', '4.45 MB')
    """
    return f"{count / 1e6:.2f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def _part(kind: Kind, found: Figure | Missing) -> Part:
    if isinstance(found, Missing):
        return Part(kind.name, kind.title, None, "", found.reason)
    return Part(kind.name, kind.title, found, data_url(found.picture) if found.picture else "", "")


def data_url(picture: Picture) -> str:
    """Return a picture as a data URL; where the drawing is long, its pixels."""
    drawn = style.svg(picture).encode()
    if len(drawn) <= RASTER_BYTES:
        return f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode()}"
    return f"data:image/png;base64,{base64.b64encode(style.png(picture)).decode()}"
