"""edgecnn data"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgecnn.text import printable

from . import console, survey
from .options import AsJson, DataRoot, data_set_names

if TYPE_CHECKING:
    from edgecnn.data.inspected.look import Look

IMBALANCED = 2.0
SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("data")(data)


def data(
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="DATASET",
            help="A name (edgecnn list datasets), folder:PATH, csv:FILE, parquet:PATH, tar:PATH, hf:FOLDER or a .npz "
            "file.",
            autocompletion=data_set_names,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            help="Draw pictures of each class, and what is alike, as PNG there; with --shards the archives.",
        ),
    ] = None,
    shards: Annotated[
        int | None,
        typer.Option(
            "--shards",
            metavar="N",
            help="Write the pictures, shuffled, into N tar archives to learn from, and into more of the other splits.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the order in the archives.")] = 0,
    root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Look at a data set before it is trained on: classes, sizes, broken files, doubles, leaks.

    Exit code 1 where pictures of test or validation are in train too.

    Example: edgecnn data folder:photos -o looked
    """
    if shards is not None:
        _write(dataset, output, shards, seed, root, as_json)
        return
    from edgecnn.data.inspected.look import look

    with console.stages(quiet=as_json) as say:
        found = look(dataset, output, root=root, on_step=say)
    if as_json:
        console.show_json(found)
    else:
        _show(found)
    raise typer.Exit(0 if found.passed else 1)


def _write(dataset: str, output: Path | None, count: int, seed: int, root: Path | None, as_json: bool) -> None:
    from edgecnn.data import sharding
    from edgecnn.errors import EdgecnnError

    if output is None:
        raise EdgecnnError("--shards needs the folder that the archives are written into: -o FOLDER.")
    with console.stages(quiet=as_json) as say:
        found = sharding.write(dataset, output, shards=count, seed=seed, root=root, on_step=say)
    if as_json:
        console.show_json(found)
        return
    if found.skipped:
        console.warn(f"left out, cannot be read: {survey.some(found.skipped, '; ')}")
    rows = [(one.split, f"{one.archives:,}", f"{one.pictures:,}") for one in found.splits]
    console.show_table(f"{found.folder}", ("split", "archives", "pictures"), rows, left=1)
    console.say(f"train on them: edgecnn train --data tar:{found.folder}")


def _show(found: "Look") -> None:
    survey.show(found.survey, ())
    if found.imbalance >= IMBALANCED:
        console.warn(f"the largest class has {found.imbalance:g} training images for each of the smallest")
    console.say(f"sizes (height x width): {survey.sizes(found.sizes)}")
    console.say(f"color modes: {', '.join(f'{printable(mode)} {count:,}' for mode, count in found.modes.items())}")
    _show_doubles(found)
    for path in found.files:
        console.say(f"{path}: {PICTURES[path.name]}")
    console.verdict(found.passed, _verdict(found))


PICTURES = {"classes.png": "pictures of each class", "doubles.png": "pairs that are the same or nearly so"}


def _show_doubles(found: "Look") -> None:
    doubles = found.doubles
    rows = [(one.split, one.other, f"{one.exact:,}", f"{one.near:,}") for one in doubles.counts]
    console.show_table(
        f"doubles, compared at {survey.pixels(found.compared_at)} pixels", ("of", "in", "equal", "nearly"), rows, left=2
    )
    if not doubles.complete:
        console.warn(f"more than {doubles.near_pairs:,} pairs are nearly the same; the search was ended there")
    if doubles.near_conflicting:
        console.warn(f"{console.counted(doubles.near_conflicting, 'pair')} nearly the same with two labels")
    for pair in doubles.near[:SHOWN]:
        one, other = (
            f"{printable(image)} ({printable(label)})" for image, label in zip(pair.images, pair.labels, strict=True)
        )
        console.say(f"nearly the same, correlation {pair.correlation:.3f}: {one} and {other}")


def _verdict(found: "Look") -> str:
    if found.passed:
        return "no picture of test or validation was found in train"
    are = "picture of test or validation is" if found.leaked == 1 else "pictures of test and validation are"
    return f"{found.leaked:,} {are} in train too; figures measured on them are too good"
