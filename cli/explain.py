"""edgecnn explain"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import console
from .options import AnyModel, AsJson, DataRoot, Dataset

if TYPE_CHECKING:
    from edgecnn.explain import Explanation

SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(explain)


def explain(
    model: AnyModel,
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A picture file.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The picture (.png) or page (.html) to write.")
    ] = Path("explain.png"),
    dataset: Dataset = None,
    root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Show why a classifier answers as it does: what the answer rests on, similar training images, every layer's maps.

    Any ONNX classifier will do; a run or a checkpoint adds Grad-CAM.

    Example: edgecnn explain mnist-compact digit.png -o digit.html
    """
    from edgecnn import explain as ask
    from edgecnn.explain.answer import in_numbers
    from edgecnn.explain.picture import checked, write_picture

    checked(output)
    with console.stages(quiet=as_json) as say:
        found = ask(model, image, dataset=dataset, root=root, on_stage=say)
        say("drawing")
        written = write_picture(found, output)
    if as_json:
        console.show_json(in_numbers(found, written))
    else:
        _show(found, written)


def _show(found: "Explanation", written: Path) -> None:
    from edgecnn.explain.answer import said

    rows = [(one.label, f"{one.probability:.2%}") for one in found.ranked[:SHOWN]]
    console.show_table("", ("label", "probability"), rows)
    console.say(said(found))
    if found.neighbors:
        nearest = ", ".join(f"{one.label} {one.similarity:.3f}" for one in found.neighbors)
        console.say(f"nearest of {console.counted(found.compared, 'training image')}: {nearest}")
    for remark in found.remarks:
        console.say(remark)
    console.say(f"{written}: drawn")
