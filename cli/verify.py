"""edgecnn verify"""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from . import console
from .options import AsJson, Candidate, DataRoot, Dataset, MaxDrop, Reference

if TYPE_CHECKING:
    from edgecnn.verify import Comparison

MOST_FLIPS, MOST_CLASSES = 10, 20


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(verify)


def verify(
    reference: Reference,
    candidate: Candidate,
    dataset: Dataset = None,
    split: Annotated[Literal["test", "validation"], typer.Option("--split", help="Which images.")] = "test",
    max_drop_pp: MaxDrop = 0.5,
    root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Compare two classifiers on the test set they were made for; exit code 1 when the candidate is worse.

    Example: edgecnn verify runs/mnist-c1 mnist-c1-preferred.onnx --max-drop-pp 0.2
    """
    from edgecnn.verify import compare_files

    with console.stages(quiet=as_json) as say:
        say(f"running both on the {split} split")
        comparison = compare_files(
            reference,
            candidate,
            dataset=dataset,
            root=root,
            split=split,
            max_drop_pp=max_drop_pp,
        )
    if as_json:
        console.show_json(comparison)
    else:
        show(comparison)
    raise typer.Exit(0 if comparison.passed else 1)


def show(comparison: "Comparison") -> None:
    """Print the metrics of both, class by class where there are not too many, and the verdict."""
    both = (comparison.reference, comparison.candidate)
    console.show_table(
        f"{comparison.images:,} images of the {comparison.split} split of {comparison.dataset}, "
        f"{console.duration(comparison.seconds)}",
        ("", "model", "form", "accuracy", "precision", "recall", "F1", "ROC AUC"),
        [
            (
                role,
                s.model,
                s.form,
                f"{s.accuracy:.2%}",
                f"{s.precision:.4f}",
                f"{s.recall:.4f}",
                f"{s.f1:.4f}",
                _optional(s.roc_auc),
            )
            for role, s in zip(("reference", "candidate"), both, strict=True)
        ],
        left=3,
    )
    if len(comparison.candidate.classes) <= MOST_CLASSES:
        console.show_table(
            "",
            ("class", "images", "precision", "recall", "F1", "F1 of reference"),
            [
                (c.label, f"{c.images:,}", f"{c.precision:.4f}", f"{c.recall:.4f}", f"{c.f1:.4f}", f"{r.f1:.4f}")
                for r, c in zip(comparison.reference.classes, comparison.candidate.classes, strict=True)
            ],
        )
    if comparison.flips:
        console.show_table(
            f"{len(comparison.flips)} images flipped"
            + (f", the first {MOST_FLIPS}" if len(comparison.flips) > MOST_FLIPS else ""),
            ("image", "true", "reference says", "candidate says"),
            [(str(f.index), f.label, f.reference, f.candidate) for f in comparison.flips[:MOST_FLIPS]],
            left=4,
        )
    low, high = comparison.drop_pp_ci95
    console.say(
        f"agreement {comparison.agreement:.2%}, largest logit gap {comparison.max_abs_logit_gap:.2g}, "
        f"McNemar p {comparison.mcnemar_p:.2g}"
    )
    console.verdict(
        comparison.passed,
        f"accuracy drops by {comparison.drop_pp:.2f} points (95 %: {low:.2f}..{high:.2f}), "
        f"allowed {comparison.max_drop_pp:g}",
    )


def _optional(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
