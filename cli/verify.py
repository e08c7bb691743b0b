"""edgecnn verify"""

from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from edgecnn.registry import DEVICES

from . import bulk, console
from .bench import show_device
from .options import (
    AsJson,
    Candidate,
    DataRoot,
    Dataset,
    MaxClassDrop,
    MaxDrop,
    MaxSliceDrop,
    Reference,
    Slices,
    Weights,
)

if TYPE_CHECKING:
    from edgecnn.verify import Compared

EXIT_CODES = {"within": 0, "beyond": 1, "undecided": 3}
PASSED = {"within": True, "beyond": False, "undecided": None}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(verify)


def _place(value: str | None) -> str | None:
    """Refuse what names neither a device nor Ray before anything is read."""
    if value is not None:
        from edgecnn.devices.place import place_of
        from edgecnn.ray_engine import check_place, is_place

        if is_place(value):
            check_place(value)
        else:
            place_of(value)
    return value


def verify(
    reference: Reference,
    candidate: Candidate,
    dataset: Dataset = None,
    split: Annotated[Literal["test", "validation"], typer.Option("--split", help="Which images.")] = "test",
    max_drop_pp: MaxDrop = 0.5,
    max_class_drop_pp: MaxClassDrop = None,
    slices: Slices = None,
    max_slice_drop_pp: MaxSliceDrop = None,
    weights: Weights = None,
    root: DataRoot = None,
    on: Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar=f"<{'|'.join((*(f'{kind}:…' for kind in DEVICES.names()), 'ray', 'ray://HOST:PORT'))}>",
            callback=_place,
            help="A device to run the candidate on, such as ssh://pi@raspberrypi, or Ray's workers for both. Default: "
            "here.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare two models on the images they were made for, as their task does it.

    A module of yours gets the pictures, labels and pixels that the card of the other says.

    Exit code 0 when the drop is within what is allowed, 1 when it is beyond it, 3 when so many images cannot tell.
    A model that is worse than allowed gets 0 in at most 2.5 % of cases.

    With --max-class-drop-pp each class is judged beside the whole, and with --slice each set of images that the file
    names, such as those taken at night. All have to be within what is allowed.

    With --on, the candidate runs on a device that ssh reaches, and the reference here: the same file as both tells
    whether the device answers as this machine does. With --on ray both are run by Ray's workers, on --data in tar: or
    parquet:, of which no more than the answers is held in memory.

    Example: edgecnn verify runs/mnist-c1 mnist-c1-preferred.onnx --max-drop-pp 0.2
    """
    allowed: bulk.Allowed = {
        "max_drop_pp": max_drop_pp,
        "max_class_drop_pp": max_class_drop_pp,
        "slices": slices,
        "max_slice_drop_pp": max_slice_drop_pp,
    }
    if on is not None and _is_ray(on):
        if dataset is None or weights is not None or split != "test":
            needed = "--data, tar:PATH or parquet:PATH"
            raise typer.BadParameter(f"--on ray needs {needed}, and goes without --weights and --split.")
        comparison: Compared = bulk.verify(reference, candidate, dataset, allowed, on=on, as_json=as_json)
        _tell(comparison, as_json)
    from edgecnn import verify as compare

    with console.stages(quiet=as_json) as say:
        say("running both on the same images")
        comparison = compare(
            reference, candidate, weights=weights, dataset=dataset, root=root, split=split, on=on, **allowed
        )
    _tell(comparison, as_json)


def _is_ray(on: str) -> bool:
    from edgecnn.ray_engine import is_place

    return is_place(on)


def _tell(comparison: "Compared", as_json: bool) -> NoReturn:
    if as_json:
        console.show_json(comparison)
    else:
        show(comparison)
    raise typer.Exit(EXIT_CODES[comparison.verdict])


def show(comparison: "Compared") -> None:
    """Print the metrics of both and the verdict."""
    from edgecnn import metrics
    from edgecnn.verify.gate import judge, sentence

    console.show_tables(comparison.tables(), comparison.remarks())
    show_device(comparison.environment)
    low, high = comparison.drop_pp_ci95
    whole = judge(comparison.drop_pp_ci95, comparison.max_drop_pp)
    console.verdict(
        PASSED[whole],
        f"{metrics.title(comparison.metric)} drops by {comparison.drop_pp:.2f} points (95 %: {low:.2f}..{high:.2f}), "
        f"{sentence(whole, comparison.images_needed, comparison.max_drop_pp)}",
    )
    for found in comparison.breakdowns():
        if found.verdict is not None:
            console.verdict(PASSED[found.verdict], found.sentence())
