"""A report as one HTML page that needs nothing else: styles and pictures are in it, and no script."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup
from matplotlib.figure import Figure as Picture

from edgecnn import metrics
from edgecnn.errors import EdgecnnError
from edgecnn.report import style
from edgecnn.report.figure import Failed, Figure, Kind, Missing, Outcome
from edgecnn.report.subject import Subject
from edgecnn.report.verdict import Verdict, change_of, single
from edgecnn.text import counted, lines
from edgecnn.version import __version__

KINDS = (".csv", ".png", ".svg")  # of the files beside the page
ALIKE = {"within": "alike", "beyond": "worse", "undecided": "cannot tell"}
RASTER_BYTES = 400_000  # a picture whose SVG is larger, and twice its PNG, stands in the page as PNG


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
    picture: str = ""
    missing: str = ""
    failed: str = ""


def rendered(subject: Subject, said: Verdict, found: Mapping[Kind, Outcome], files: Path, folder: str) -> str:
    """Return the page. ``files`` has the figures' files now, ``folder`` is what they will lie in beside it."""
    return (
        templates()
        .get_template("report.html")
        .render(
            subject=subject,
            card=subject.card,
            source=subject.source,
            verdict=said,
            tiles=tiles(subject),
            parts=[_part(kind, figure, files) for kind, figure in found.items()],
            folder=folder,
            version=__version__,
        )
    )


def templates() -> jinja2.Environment:
    """Return what pages are made by, with their styles and policy; what others wrote passes the filter ``shown``."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("edgecnn.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["shown"] = lambda value: lines(str(value))
    styles = environment.get_template("report.css").render()
    environment.globals |= {"styles": Markup(styles), "policy": policy(styles)}
    return environment


def policy(styles: str) -> str:
    """Return the page's content security policy: its own styles and pictures, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(styles.encode()).digest()).decode("ascii")
    return f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def tiles(subject: Subject) -> list[Tile]:
    """Return what the first screen says in large letters."""
    return [_quality(subject), _speed(subject), _size(subject), _alike(subject)]


def _quality(subject: Subject) -> Tile:
    try:
        found = subject.quality
    except EdgecnnError as error:
        return Tile("How good", "not measured", str(error))
    ends = [metrics.digits(found.metric, end) for end in found.interval or ()]
    spread = f"95 %: {ends[0]} to {ends[1]}, " if ends else ""
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
    note = f"one image, {counted(best.threads, 'thread')}, median; {report.environment.processor}"
    if report.comparisons:
        ratio = single(report.comparisons)
        note = f"{ratio.ratio:.2f} x its reference ({ratio.verdict}); {note}"
    if report.environment.warning:
        note += "; the machine was busy, do not rely on it"
    return Tile("How fast", milliseconds(best.p50_ms), note)


def _size(subject: Subject) -> Tile:
    found, card = subject.inspection, subject.card
    return Tile("How large", size(found.size_bytes), f"{card.parameters:,} parameters, {card.form}; input {card.input}")


def _alike(subject: Subject) -> Tile:
    label, source = "Beside its reference", subject.source
    try:
        found = subject.comparison
    except EdgecnnError as error:
        return Tile(label, "not measured", str(error))
    if found is None:
        return Tile(label, "no reference", f"edgecnn report {source.model} REFERENCE compares two")
    return Tile(
        label, ALIKE[found.verdict], f"{change_of(found)}; allowed: {found.max_drop_pp:g}; {found.images:,} images"
    )


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


def _part(kind: Kind, found: Outcome, files: Path) -> Part:
    if isinstance(found, Missing):
        return Part(kind.name, kind.title, None, missing=found.reason)
    if isinstance(found, Failed):
        return Part(kind.name, kind.title, None, failed=found.error)
    return Part(kind.name, kind.title, found, _picture(found, kind.name, files))


def data_url(picture: Picture) -> str:
    """Return a picture as a data URL; where the drawing is much longer than they are, its pixels."""
    return _data_url(style.plain_svg(picture), lambda: style.png(picture))


def _data_url(drawn: str, pixels: Callable[[], bytes]) -> str:
    raster = pixels() if len(drawn) > RASTER_BYTES else b""
    if not raster or len(drawn) <= 2 * len(raster):
        return f"data:image/svg+xml;base64,{base64.b64encode(style.following(drawn).encode()).decode()}"
    return f"data:image/png;base64,{base64.b64encode(raster).decode()}"


def _picture(figure: Figure, name: str, files: Path) -> str:
    """Return the picture that was written as a data URL; where the drawing is much longer than they are, its pixels."""
    if figure.picture is None:
        return ""
    return _data_url((files / f"{name}.svg").read_text(encoding="utf-8"), (files / f"{name}.png").read_bytes)
