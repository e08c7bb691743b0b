"""edgecnn read"""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgecnn.digits.defaults import DETAIL, MIN_PROBABILITY, MIN_SCORE
from edgecnn.text import csv_text, printable

from . import console
from .options import AsJson, Detector, MinConfidence, MinScore, Provider

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from edgecnn.digits.pictures import ReadPicture

ROTATIONS = ("0", "90", "180", "270", "auto")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(read)


def _rotation(value: str) -> str:
    if value not in ROTATIONS:
        raise typer.BadParameter(f"'{value}' is not one of {', '.join(ROTATIONS)}.")
    return value


def read(
    images: Annotated[
        list[str],
        typer.Argument(metavar="IMAGE...", help="Picture files, folders or glob patterns.", show_default=False),
    ],
    model: Annotated[
        Path, typer.Option("--model", metavar="FILE", help="What reads the digits: a model file or a name of the zoo.")
    ] = Path("digits-webcam"),
    detector: Detector = Path("digit-finder"),
    detail: Annotated[
        float,
        typer.Option(
            "--detail",
            metavar="D",
            min=0,
            max=1,
            help="How closely to look: 1 down to the pixels, 0.5 to half as many a side, 0 at 640 pixels.",
        ),
    ] = DETAIL,
    rotate: Annotated[
        str,
        typer.Option(
            "--rotate",
            metavar=f"<{'|'.join(ROTATIONS)}>",
            callback=_rotation,
            autocompletion=lambda: list(ROTATIONS),
            help="Turn the pictures first, clockwise; auto takes of four ways the one in which most is read.",
        ),
    ] = "0",
    min_probability: Annotated[
        float, typer.Option("--min-probability", metavar="P", min=0, max=1, help="Reject digits of lower confidence.")
    ] = MIN_PROBABILITY,
    min_score: MinScore = MIN_SCORE,
    min_confidence: MinConfidence = None,
    overlay: Annotated[
        Path | None,
        typer.Option("--overlay", metavar="FILE", help="Write the picture with what was read in it: .png or .jpg."),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV: one line a number.")] = False,
    provider: Provider = "cpu",
    as_json: AsJson = False,
) -> None:
    """Read the digits of pictures as text: lines from top to bottom, a space where there is a gap.

    A picture that cannot be read is reported, the others are, and the exit code is 1.

    Example: edgecnn read meter.jpg --overlay read.png
    """
    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json exclude each other.")
    from edgecnn import progress, zoo
    from edgecnn.digits import Reader
    from edgecnn.digits.pictures import read_pictures
    from edgecnn.runtime.files import expand

    paths = expand(images)
    _check_overlay(overlay, paths)
    reader = Reader(
        detector,
        model,
        min_score=min_score,
        min_probability=min_probability,
        min_confidence=min_confidence,
        provider=provider,
    )
    with console.stages(quiet=as_json or as_csv) as say:
        say("reading")
        turn = rotate if rotate == "auto" else int(rotate)
        found = [
            _drawn(*pair, overlay) for pair in read_pictures(reader, progress.told(paths), detail=detail, rotate=turn)
        ]
    if as_json:
        console.show_json({"model": zoo.title(model), "detector": zoo.title(detector), "images": found})
    elif as_csv:
        typer.echo(_csv(found), nl=False)
    else:
        _show(found)
    _warn(found, rotate)
    raise typer.Exit(1 if any(picture.error for picture in found) else 0)


def _check_overlay(overlay: Path | None, paths: "list[Path]") -> None:
    """Refuse an overlay that could not be written, before anything is read."""
    if overlay is None:
        return
    if len(paths) != 1:
        raise typer.BadParameter(f"--overlay is for one picture; found {len(paths)}.")
    if overlay.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise typer.BadParameter(f"--overlay {overlay}: expected a name that ends in .png or .jpg.")
    if overlay.exists() and paths[0].exists() and overlay.samefile(paths[0]):
        raise typer.BadParameter(f"--overlay {overlay}: is the picture itself. Expected another name.")


def _drawn(picture: "ReadPicture", pixels_hwc: "NDArray[np.uint8] | None", overlay: Path | None) -> "ReadPicture":
    """Write the overlay of a picture where one is wanted, and hand on what was read."""
    if overlay is not None and pixels_hwc is not None:
        from edgecnn.digits.overlay import overlay as drawn
        from edgecnn.files import replacing

        image = drawn(pixels_hwc, picture.digits, picture.signs)
        kind = "PNG" if overlay.suffix.lower() == ".png" else "JPEG"
        with replacing(overlay) as partial:
            image.save(partial, kind)
        console.tell(f"wrote {overlay}")
    return picture


def _show(found: "Iterable[ReadPicture]") -> None:
    """Print the text of each picture, under its name where there are several."""
    pictures = list(found)
    for picture in pictures:
        if picture.error:
            continue
        if len(pictures) > 1:
            console.say(f"{picture.path}:")
        console.say(picture.text)


def _warn(found: "list[ReadPicture]", rotate: str) -> None:
    """Say what could not be read, what was assumed, and what may help where nothing was found."""
    for picture in found:
        if picture.error:
            console.warn(picture.error)
        if picture.assumed:
            console.warn(f"{picture.path}: {picture.assumed}.")
        if rotate == "auto" and picture.turned:
            console.tell(f"{picture.path}: turned by {picture.turned} degrees")
    empty = [picture.path for picture in found if not picture.error and not picture.text]
    if empty:
        which = str(empty[0]) if len(empty) == 1 else f"{len(empty)} pictures, such as {empty[0]}"
        console.warn(
            f"{which}: no digits were read."
            + ("" if rotate == "auto" else " Where a picture lies on its side or upside down: --rotate auto.")
        )


def _csv(found: "list[ReadPicture]") -> str:
    """Write rows that neither a terminal nor a spreadsheet runs; --json has every name as it is."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("path", "line", "number", "probability", "x", "y", "width", "height", "error"))
    for picture in found:
        path = printable(str(picture.path))
        for number in picture.numbers:
            box = [f"{value:.1f}" for value in number.box]
            writer.writerow(csv_text((path, number.line, number.text, f"{number.probability:.6f}", *box, "")))
        if picture.error:
            writer.writerow(csv_text((path, *[""] * 7, printable(picture.error))))
    return text.getvalue()
