"""edgecnn verify"""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from . import console
from .options import AsJson, Candidate, DataRoot, Dataset, MaxDrop, Reference

if TYPE_CHECKING:
    from edgecnn.verify import Comparison, FinderComparison

MOST_FLIPS, MOST_CLASSES = 10, 20
EXIT_CODES = {"within": 0, "beyond": 1, "undecided": 3}


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
    """Compare two classifiers on their test set, or two finders on rendered pages.

    Exit code 0 when the drop is within what is allowed, 1 when it is beyond it, 3 when so many images cannot tell.

    Example: edgecnn verify runs/mnist-c1 mnist-c1-preferred.onnx --max-drop-pp 0.2
    """
    from edgecnn.verify import compare_either

    with console.stages(quiet=as_json) as say:
        say("running both on the same images")
        comparison = compare_either(
            reference, candidate, dataset=dataset, root=root, split=split, max_drop_pp=max_drop_pp
        )
    if as_json:
        console.show_json(comparison)
    else:
        show(comparison)
    raise typer.Exit(EXIT_CODES[comparison.verdict])


def show(comparison: "Comparison | FinderComparison") -> None:
    """Print the metrics of both and the verdict."""
    from edgecnn.verify import FinderComparison
    from edgecnn.verify.gate import sentence

    if isinstance(comparison, FinderComparison):
        _show_finds(comparison)
        what, needed, noun = "F1", comparison.pages_needed, "pages"
    else:
        _show_classes(comparison)
        what, needed, noun = "accuracy", comparison.images_needed, "images"
    low, high = comparison.drop_pp_ci95
    console.verdict(
        None if comparison.verdict == "undecided" else comparison.passed,
        f"{what} drops by {comparison.drop_pp:.2f} points (95 %: {low:.2f}..{high:.2f}), "
        f"{sentence(comparison.verdict, needed, comparison.max_drop_pp, noun)}",
    )


def _show_finds(comparison: "FinderComparison") -> None:
    both = (comparison.reference, comparison.candidate)
    console.show_table(
        f"{comparison.digits:,} digits on {comparison.pages:,} pages",
        ("", "model", "form", "found", "missed", "false", "precision", "recall", "F1"),
        [
            (
                *(role, found.model, found.form, f"{found.found:,}", f"{found.missed:,}", f"{found.false:,}"),
                *(f"{found.precision:.4f}", f"{found.recall:.4f}", f"{found.f1:.4f}"),
            )
            for role, found in zip(("reference", "candidate"), both, strict=True)
        ],
        left=3,
    )


def _show_classes(comparison: "Comparison") -> None:
    """Print the metrics of both, class by class where there are not too many."""
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
    console.say(
        f"agreement {comparison.agreement:.2%}, largest logit gap {comparison.max_abs_logit_gap:.2g}, "
        f"McNemar p {comparison.mcnemar_p:.2g}"
    )


def _optional(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
