"""edgecnn evaluate"""

from typing import Annotated, Literal

import typer

from . import console
from .options import AnyModel, AsJson, DataRoot, Dataset


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(evaluate)


def evaluate(
    model: AnyModel,
    dataset: Dataset = None,
    split: Annotated[Literal["test", "validation"], typer.Option("--split", help="Which images.")] = "test",
    root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Measure one model on the images it was made for, or on yours.

    Example: edgecnn evaluate mnist-c1.onnx --data folder:scans
    """
    from edgecnn.verify import evaluate as measure

    with console.stages(quiet=as_json) as say:
        say("running it on every image")
        found = measure(model, dataset=dataset, root=root, split=split)
    if as_json:
        console.show_json(found)
    else:
        console.show_tables(found.tables(), found.remarks())
