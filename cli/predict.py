"""edgecnn predict"""

import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from edgecnn.text import csv_text, printable

from . import bulk, console
from .options import AsJson, ModelFile, Provider
from .stop import STOPPED, stop_requests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgecnn.data.listed import Listed
    from edgecnn.runtime.files import FileAnswer, Given, Tally

LOOK_SECONDS = 0.2  # between two looks at a folder


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(predict)


def _ray(value: str | None) -> str | None:
    """Refuse what names no Ray before anything is read."""
    if value is not None:
        from edgecnn.ray_engine import check_place

        check_place(value)
    return value


def predict(
    model: ModelFile,
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="IMAGE...",
            help="Picture files, folders, glob patterns, or tables: csv:FILE, parquet:PATH, tar:PATH, hf:FOLDER.",
        ),
    ] = None,
    watched: Annotated[
        Path | None,
        typer.Option(
            "--watch",
            metavar="FOLDER",
            help="Classify the pictures that arrive in a folder, a line each, until Ctrl-C.",
        ),
    ] = None,
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
    on: Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar="<ray|ray://HOST:PORT>",
            callback=_ray,
            help="Answer in bulk, by Ray's workers: on all cores here, or on a cluster. Needs -o.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FOLDER", help="With --on: where the answers go, as Parquet files."),
    ] = None,
    detector: Annotated[
        Path | None,
        typer.Option("--detector", metavar="FILE", help="With --on: read digits, which this model finds."),
    ] = None,
    provider: Provider = "cpu",
    as_json: AsJson = False,
) -> None:
    """Classify pictures. One that cannot be read is reported, the others are answered, and the exit code is 1.

    Several end with a summary, and with the accuracy where the folders that they lie in are named like the classes.

    With --watch a picture is classified once it is whole, and what lies there at the start is not; with --json each
    line is a JSON object, and Ctrl-C ends with exit code 130.

    With --on what is finished stays on Ctrl-C, and the same command goes on: it does what is not in the folder yet.

    Example: edgecnn predict mnist-compact scans/ 'more/*.png' --top-k 3
    """
    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json exclude each other.")
    if on is None and (output or detector):
        raise typer.BadParameter("-o and --detector go with --on.")
    if (watched is None) == (not images):
        raise typer.BadParameter("expected pictures, or a folder to watch with --watch, and not both.")
    if watched is not None:
        if as_csv or least_sure or on:
            raise typer.BadParameter("--watch goes with --top-k, --ink and --json alone.")
        _watch(model, watched, top_k=top_k, ink=ink, provider=provider, as_json=as_json)
    if on is not None:
        if output is None or as_csv or least_sure or ink or top_k > 1:
            raise typer.BadParameter("--on goes with -o, --detector, --provider and --json alone, and needs -o.")
        bulk.predict(model, images or [], output, on=on, detector=detector, provider=provider, as_json=as_json)
    from edgecnn import load, progress, zoo
    from edgecnn.runtime.files import least_sure_of, predict_files, tally

    classifier = load(model, provider=provider)
    with console.stages(quiet=as_json or as_csv) as say:
        say("classifying")
        given, truth = _given(images or [])
        answers = list(predict_files(classifier, progress.told(given), top_k=top_k, ink=ink))
    found = tally(answers, classifier.labels, truth)
    shown = answers if least_sure is None else least_sure_of(answers, least_sure)
    if as_json:
        running = {"model": zoo.title(model), "provider": classifier.running_provider}
        console.show_json({**running, "images": shown, "summary": found})
    elif as_csv:
        typer.echo(_csv(shown), nl=False)
    else:
        _show(shown)
        _sum_up(found, in_table=bool(truth))
    _warn(answers, str(model), ink, classifier.labels)
    raise typer.Exit(1 if found.failed else 0)


def _given(images: list[str]) -> "tuple[list[Given], dict[Path, str]]":
    """Return the pictures that are meant, and the labels of those that stand in a table."""
    from edgecnn.runtime.files import Given, expand

    found: dict[Path, Given] = {}
    truth: dict[Path, str] = {}
    for image in images:
        table = _table(image)
        if table is None:
            found |= {path: Given(path) for path in expand([image])}
            continue
        for entry in table.entries:
            content = entry.content
            one = Given(content) if isinstance(content, Path) else Given(Path(entry.said), content)
            found[one.path], truth[one.path] = one, table.names[entry.label]
    return list(found.values()), truth


def _table(image: str) -> "Listed | None":
    """List what has a prefix; a file whose name begins so is a file."""
    if ":" not in image or Path(image).exists():
        return None
    from edgecnn.data.sources import listed_of

    return listed_of(image)


def _watch(model: Path, folder: Path, *, top_k: int, ink: bool, provider: str, as_json: bool) -> NoReturn:
    """Answer what arrives, until Ctrl-C."""
    from edgecnn import load
    from edgecnn.runtime.files import predict_files
    from edgecnn.runtime.watch import Arrivals, arriving

    classifier, arrivals = load(model, provider=provider), Arrivals(folder)
    with stop_requests("finishing the picture …") as stop:
        console.tell(f"watching {folder}; Ctrl-C ends")
        pictures = arriving(arrivals, lambda: stop.wait(LOOK_SECONDS))
        for answer in predict_files(classifier, pictures, top_k=top_k, ink=ink):
            _tell(answer, as_json)
    raise typer.Exit(STOPPED)


def _tell(answer: "FileAnswer", as_json: bool) -> None:
    """Print one line at once, whoever reads."""
    from edgecnn.documents import to_json

    if as_json:
        print(to_json(answer, indent=None, ascii_only=True), flush=True)
    elif answer.error:
        console.warn(answer.error)
    else:
        ranked = "  ".join(f"{one.label} {one.probability:.2%}" for one in answer.top)
        unlike = f"  unlike the model's pictures: {answer.unlike}" if answer.unlike else ""
        console.say(f"{answer.path}  {ranked}{unlike}")
        sys.stdout.flush()  # a pipe would wait for more


def _show(answers: "list[FileAnswer]") -> None:
    rows = [
        (str(answer.path) if rank == 0 else "", ranked.label, f"{ranked.probability:.2%}")
        for answer in answers
        for rank, ranked in enumerate(answer.top)
    ]
    if rows:
        console.show_table("", ("picture", "label", "probability"), rows, left=2)


def _sum_up(found: "Tally", *, in_table: bool) -> None:
    """Print how many pictures got which label, and how many of them rightly, of more than one."""
    if found.pictures < 2:
        return
    counts = ", ".join(f"{label}: {count:,}" for label, count in found.labels.items())
    console.say(f"{console.counted(found.pictures, 'picture')}   {counts}".rstrip())
    if found.accuracy is not None:
        told = "that their table says" if in_table else "that their folder is named after"
        console.say(
            f"accuracy {found.accuracy:.2%}: {found.right:,} of {found.pictures - found.failed:,} have the label {told}"
        )


def _warn(answers: "list[FileAnswer]", model: str, ink: bool, labels: "Sequence[str]") -> None:
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
            + (" Digits in a photograph: edgecnn read, by digits-webcam." if set(labels) <= set("0123456789") else "")
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
