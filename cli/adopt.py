"""edgecnn adopt"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from edgecnn.errors import EdgecnnError

from . import console, said
from .options import AsJson, DataRoot, Dataset, Labels, Mean, Scale, Std, next_command

if TYPE_CHECKING:
    from edgecnn.adopt import Adopted, Proposal
    from edgecnn.adopt.proposal import Tried


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(adopt)


def adopt(
    model: Annotated[Path, typer.Argument(metavar="FILE.onnx", help="An image classifier of others.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT.onnx", help="Default: FILE-adopted.onnx here.")
    ] = None,
    labels: Labels = None,
    layout: Annotated[
        Literal["nchw", "nhwc"] | None, typer.Option("--layout", help="Where the file has the channels of pictures.")
    ] = None,
    scale: Scale = None,
    mean: Mean = None,
    std: Std = None,
    bgr: Annotated[
        bool | None, typer.Option("--bgr/--rgb", help="The order in which the file has colors.", show_default=False)
    ] = None,
    resize: Annotated[
        str | None, typer.Option("--resize", metavar="HxW", help="The size of its pictures, where it takes any.")
    ] = None,
    answers: Annotated[
        str | None,
        typer.Option(
            "--answers",
            metavar="[NAME=]KIND",
            help="What output NAME has: logits (or log-probabilities), probabilities.",
        ),
    ] = None,
    dataset: Dataset = None,
    root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Adopt a classifier of others, an ONNX file, that was compared with the original.

    What the file or what lies beside it tells of it need not be said; what nobody tells is asked for.

    Example: edgecnn adopt theirs.onnx --labels 0..9 --scale 1/255 -o ours.onnx
    """
    from edgecnn import adopt as adopt_file
    from edgecnn.adopt import Said, propose
    from edgecnn.adopt.labels import labels_of

    name, kind = said.answers(answers)
    told: dict[str, Any] = {
        "labels": labels and labels_of(labels),
        "layout": layout,
        "scale": None if scale is None else said.number(scale, "--scale"),
        "mean": mean and said.numbers(mean, "--mean"),
        "std": std and said.numbers(std, "--std"),
        "bgr": bgr,
        "size": resize and said.size(resize),
        "answers": kind,
    }
    with console.stages(quiet=as_json) as say:
        if dataset is not None and scale is None:
            say("trying what its pixels are")
            proposal = propose(model, Said(**told, output=name), dataset=dataset, root=root)
            if proposal is not None:
                _refuse(proposal, as_json=as_json)
        found = adopt_file(model, output, **told, answered_by=name, dataset=dataset, root=root, on_stage=say)
    if as_json:
        console.show_json(found)
    else:
        show(found, dataset, root)


def show(found: "Adopted", dataset: str | None, root: Path | None) -> None:
    """Print what was known, what is to be minded, and how alike the two answer."""
    console.say(
        f"{found.path}: {console.size(found.size_bytes)}, {found.form}, {found.labels:,} labels; {found.preprocessing}"
        f"   card: {found.card_path}"
    )
    for name, told in found.known.items():
        console.say(f"known: {name} {told}")
    for remark in found.remarks:
        console.say(f"note: {remark}")
    console.show_parity("the original", found)
    console.say_next(next_command("evaluate" if dataset else "selftest", found.path, dataset=dataset, root=root))


def _refuse(proposal: "Proposal", *, as_json: bool) -> NoReturn:
    """Show what was tried where nobody says what is done to pixels, and end: it is for the user to say."""
    if as_json:
        console.show_json(proposal)
        raise typer.Exit(2)
    rows = [(found.name, _options(found), f"{found.accuracy:.2%}") for found in proposal.tried]
    console.show_table(
        f"{proposal.images:,} validation images of {proposal.dataset}", ("pixels", "said by", "accuracy"), rows, left=2
    )
    console.say(proposal.reason, style="bold")
    again = f"; add to the command: {_options(proposal.best)}" if proposal.best else ""
    raise EdgecnnError(f"nothing was written, as nobody said what is done to pixels (--scale){again}")


def _options(found: "Tried") -> str:
    """Return the options that say it.

    >>> from edgecnn.adopt.proposal import Tried
    >>> _options(Tried("-1..1", None, False, 1 / 127.5, (1.0,), (1.0,), 0.9))
    '--scale 1/127.5 --mean 1'
    """
    scale = (
        f"{found.scale:g}" if abs(found.scale) >= 1 else f"{'-' if found.scale < 0 else ''}1/{1 / abs(found.scale):g}"
    )
    words = ["--scale", scale]
    for name, numbers, usual in (("--mean", found.mean, 0), ("--std", found.std, 1)):
        words += [name, ",".join(f"{number:g}" for number in numbers)] if set(numbers) != {usual} else []
    return " ".join([*words, *(["--bgr"] if found.bgr else []), *(["--layout", found.layout] if found.layout else [])])
