"""edgecnn evaluate"""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from . import console
from .options import AnyModel, AsJson, DataRoot, Dataset

if TYPE_CHECKING:
    from edgecnn.verify.evaluate import Evaluation, FinderEvaluation

MOST_CLASSES, MOST_MISTAKES = 20, 5


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
    """Measure one model: a classifier on its test set or on yours, a finder on rendered pages.

    Example: edgecnn evaluate mnist-c1.onnx --data folder:scans
    """
    from edgecnn.verify.evaluate import FinderEvaluation
    from edgecnn.verify.evaluate import evaluate as measure

    with console.stages(quiet=as_json) as say:
        say("running it on every image")
        found = measure(model, dataset=dataset, root=root, split=split)
    if as_json:
        console.show_json(found)
    elif isinstance(found, FinderEvaluation):
        _show_finder(found)
    else:
        show(found)


def show(found: "Evaluation") -> None:
    """Print the figures over all, class by class where there are not too many, and the most frequent mistakes."""
    from edgecnn.verify.evaluate import confused

    scores, (low, high) = found.scores, found.accuracy_ci95
    console.show_table(
        f"{console.counted(found.images, 'image')} of the {found.split} split of {found.dataset}, "
        f"{console.duration(found.seconds)}",
        ("model", "form", "accuracy", "95 %", "precision", "recall", "F1", "ROC AUC"),
        [
            (
                *(scores.model, scores.form, f"{scores.accuracy:.2%}", f"{low:.2%}..{high:.2%}"),
                *(f"{scores.precision:.4f}", f"{scores.recall:.4f}", f"{scores.f1:.4f}"),
                "-" if scores.roc_auc is None else f"{scores.roc_auc:.4f}",
            )
        ],
        left=2,
    )
    if len(scores.classes) <= MOST_CLASSES:
        console.show_table(
            "",
            ("class", "images", "precision", "recall", "F1"),
            [
                (c.label, f"{c.images:,}", f"{c.precision:.4f}", f"{c.recall:.4f}", f"{c.f1:.4f}")
                for c in scores.classes
            ],
        )
    mistakes = confused(scores, MOST_MISTAKES)
    if mistakes:
        told = ", ".join(f"{true} for {said}: {count:,}" for true, said, count in mistakes)
        console.say(f"most often taken for another: {told}")


def _show_finder(found: "FinderEvaluation") -> None:
    f = found.finding
    console.show_table(
        f"{found.digits:,} digits on {found.pages:,} pages, {console.duration(found.seconds)}",
        ("model", "form", "found", "missed", "false", "precision", "recall", "F1"),
        [
            (
                *(f.model, f.form, f"{f.found:,}", f"{f.missed:,}", f"{f.false:,}"),
                *(f"{f.precision:.4f}", f"{f.recall:.4f}", f"{f.f1:.4f}"),
            )
        ],
        left=2,
    )
