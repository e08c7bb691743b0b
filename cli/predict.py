"""edgecnn predict"""

import csv
import io
from typing import TYPE_CHECKING, Annotated

import typer

from . import console
from .options import AsJson, ModelFile, Provider

if TYPE_CHECKING:
    from edgecnn.runtime.files import FileAnswer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(predict)


def predict(
    model: ModelFile,
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Picture files, folders or glob patterns.")],
    top_k: Annotated[int, typer.Option("--top-k", metavar="K", min=1, help="How many classes of each picture.")] = 1,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV: one line a picture and rank.")] = False,
    provider: Provider = "cpu",
    as_json: AsJson = False,
) -> None:
    """Classify pictures. One that cannot be read is reported, the others are answered, and the exit code is 1.

    Example: edgecnn predict mnist-compact scans/ 'more/*.png' --top-k 3
    """
    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json exclude each other.")
    from edgecnn import load
    from edgecnn.runtime.files import expand, predict_files

    classifier = load(model, provider=provider)
    answers = list(predict_files(classifier, expand(images), top_k=top_k))
    if as_json:
        console.show_json({"model": classifier.card.name, "provider": classifier.running_provider, "images": answers})
    elif as_csv:
        typer.echo(_csv(answers), nl=False)
    else:
        _show(answers)
    broken = [answer for answer in answers if answer.error]
    for answer in broken:
        console.warn(str(answer.error))
    if broken:
        console.warn(f"{len(broken)} of {len(answers)} pictures could not be classified.")
    raise typer.Exit(1 if broken else 0)


def _show(answers: "list[FileAnswer]") -> None:
    rows = [
        (str(answer.path) if rank == 0 else "", ranked.label, f"{ranked.probability:.2%}")
        for answer in answers
        for rank, ranked in enumerate(answer.top)
    ]
    if rows:
        console.show_table("", ("picture", "label", "probability"), rows, left=2)


def _csv(answers: "list[FileAnswer]") -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("path", "rank", "label", "class_id", "probability", "error"))
    for answer in answers:
        for rank, ranked in enumerate(answer.top, start=1):
            writer.writerow((answer.path, rank, ranked.label, ranked.class_id, f"{ranked.probability:.6f}", ""))
        if answer.error:
            writer.writerow((answer.path, "", "", "", "", answer.error))
    return text.getvalue()
