"""edgecnn predict"""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgecnn.text import csv_text, printable

from . import console
from .options import AsJson, ModelFile, Provider

if TYPE_CHECKING:
    from edgecnn.runtime.files import FileAnswer, Tally


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(predict)


def predict(
    model: ModelFile,
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Picture files, folders or glob patterns.")],
    top_k: Annotated[int, typer.Option("--top-k", metavar="K", min=1, help="How many classes of each picture.")] = 1,
    least_sure: Annotated[
        int | None,
        typer.Option("--least-sure", metavar="N", min=1, help="Show the N pictures with the least sure answers alone."),
    ] = None,
    ink: Annotated[
        bool,
        typer.Option("--ink", help="Take what is drawn alone, framed as the model's own images: for pens on paper."),
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV: one line a picture and rank.")] = False,
    provider: Provider = "cpu",
    as_json: AsJson = False,
) -> None:
    """Classify pictures. One that cannot be read is reported, the others are answered, and the exit code is 1.

    Several end with a summary, and with the accuracy where the folders that they lie in are named like the classes.

    Example: edgecnn predict mnist-compact scans/ 'more/*.png' --top-k 3
    """
    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json exclude each other.")
    from edgecnn import load, progress, zoo
    from edgecnn.runtime.files import expand, least_sure_of, predict_files, tally

    classifier = load(model, provider=provider)
    with console.stages(quiet=as_json or as_csv) as say:
        say("classifying")
        answers = list(predict_files(classifier, progress.told(expand(images)), top_k=top_k, ink=ink))
    found = tally(answers, classifier.labels)
    shown = answers if least_sure is None else least_sure_of(answers, least_sure)
    if as_json:
        running = {"model": zoo.title(model), "provider": classifier.running_provider}
        console.show_json({**running, "images": shown, "summary": found})
    elif as_csv:
        typer.echo(_csv(shown), nl=False)
    else:
        _show(shown)
        _sum_up(found)
    _warn(answers, str(model), ink)
    raise typer.Exit(1 if found.failed else 0)


def _show(answers: "list[FileAnswer]") -> None:
    rows = [
        (str(answer.path) if rank == 0 else "", ranked.label, f"{ranked.probability:.2%}")
        for answer in answers
        for rank, ranked in enumerate(answer.top)
    ]
    if rows:
        console.show_table("", ("picture", "label", "probability"), rows, left=2)


def _sum_up(found: "Tally") -> None:
    """Print how many pictures got which label, and how many of them rightly, of more than one."""
    if found.pictures < 2:
        return
    counts = ", ".join(f"{label}: {count:,}" for label, count in found.labels.items())
    console.say(f"{console.counted(found.pictures, 'picture')}   {counts}".rstrip())
    if found.accuracy is not None:
        console.say(
            f"accuracy {found.accuracy:.2%}: {found.right:,} of {found.pictures - found.failed:,} have the label that "
            "their folder is named after"
        )


def _warn(answers: "list[FileAnswer]", model: str, ink: bool) -> None:
    """Say what could not be read, and what is unlike the model's images, with what may mend it."""
    broken = [answer for answer in answers if answer.error]
    for answer in broken:
        console.warn(str(answer.error))
    if broken:
        console.warn(f"{len(broken)} of {len(answers)} pictures could not be classified.")
    for assumed, paths in _by_assumption(answers).items():
        console.warn(f"{console.counted(len(paths), 'picture')}, such as {paths[0]}: {assumed}.")
    unlike = [answer for answer in answers if answer.unlike]
    if unlike:
        which = str(unlike[0].path)
        if len(answers) > 1:
            which = f"{len(unlike):,} of {len(answers):,} pictures, such as {which},"
        console.warn(
            f"{which} {'is' if len(answers) == 1 else 'are'} unlike those that {model} was made for, so their labels "
            f"are worth little: {unlike[0].unlike}."
            + ("" if ink else " For ink on paper, try --ink: what is drawn alone, framed as the model knows it.")
        )


def _by_assumption(answers: "list[FileAnswer]") -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for answer in answers:
        if answer.assumed:
            found.setdefault(answer.assumed, []).append(answer.path)
    return found


def _csv(answers: "list[FileAnswer]") -> str:
    """Write rows that neither a terminal nor a spreadsheet runs; --json has every name as it is."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("path", "rank", "label", "class_id", "probability", "error", "unlike"))
    for answer in answers:
        path = printable(str(answer.path))
        for rank, ranked in enumerate(answer.top, start=1):
            said = (rank, printable(ranked.label), ranked.class_id, f"{ranked.probability:.6f}", "")
            writer.writerow(csv_text((path, *said, answer.unlike or "")))
        if answer.error:
            writer.writerow(csv_text((path, "", "", "", "", printable(answer.error), "")))
    return text.getvalue()
