"""edgecnn embed"""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from edgecnn.registry import TARGETS

from . import console
from .options import AsJson, ModelFile, one_of

OUTPUT = "A folder that is new or empty; or, for triton, one of its projects, which gets the next version."


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(embed)


def embed(
    model: ModelFile,
    target: Annotated[str, one_of(TARGETS, "--to", "What the project is for.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help=OUTPUT)],
    as_json: AsJson = False,
) -> None:
    """Write a small complete project that runs a model elsewhere, with a self-test against its golden images.

    Example: edgecnn embed mnist-compact --to browser -o page
    """
    from edgecnn import embed as write

    with console.stages(quiet=as_json) as say:
        say("writing the project")
        embedded = write(model, target, output)
    if embedded.may_saturate:
        console.warn(
            f"{embedded.form} weights that may saturate on processors without VNNI, where this project would answer "
            "wrongly. Quantize the float32 parent again, and embed that."
        )
    if as_json:
        console.show_json(embedded)
        return
    console.say(f"{embedded.folder}: {embedded.model} ({embedded.form}) for {target}, {', '.join(embedded.files)}")
    console.say_next(f"cd {shlex.quote(str(embedded.folder))} && {' && '.join(embedded.selftest)}")
