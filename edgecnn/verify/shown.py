"""What people look at of classifiers on images: tables, and what is said beside them."""

from edgecnn.text import counted, duration
from edgecnn.verify.compared import Table
from edgecnn.verify.scores import ClassScore, Flip, Scores

MOST_CLASSES, MOST_FLIPS = 20, 10
FIGURES = ("accuracy", "balanced accuracy", "precision", "recall", "F1", "ROC AUC")


def comparison_tables(title: str, reference: Scores, candidate: Scores, flips: list[Flip]) -> list[Table]:
    """Return the metrics of both, class by class where there are not too many, and the images that flipped."""
    both = zip(("reference", "candidate"), (reference, candidate), strict=True)
    rows = [(role, scores.model, scores.form, *_figures(scores)) for role, scores in both]
    tables = [Table(title, ("", "model", "form", *FIGURES), rows, left=3)]
    if len(candidate.classes) <= MOST_CLASSES:
        classes = zip(candidate.classes, reference.classes, strict=True)
        rows = [(*_class(own), f"{other.f1:.4f}") for own, other in classes]
        tables.append(Table("", ("class", "images", "precision", "recall", "F1", "F1 of reference"), rows))
    if flips:
        first = f", the first {MOST_FLIPS}" if len(flips) > MOST_FLIPS else ""
        rows = [(str(flip.index), flip.label, flip.reference, flip.candidate) for flip in flips[:MOST_FLIPS]]
        columns = ("image", "true", "reference says", "candidate says")
        tables.append(Table(f"{len(flips)} images flipped{first}", columns, rows, left=4))
    return tables


def evaluation_tables(
    scores: Scores, *, images: int, split: str, dataset: str, seconds: float, interval: tuple[float, float]
) -> list[Table]:
    """Return the figures over all, and class by class where there are not too many."""
    low, high = interval
    accuracy, *others = _figures(scores)
    title = f"{counted(images, 'image')} of the {split} split of {dataset}, {duration(seconds)}"
    columns = ("model", "form", "accuracy", "95 %", *FIGURES[1:])
    row = (scores.model, scores.form, accuracy, f"{low:.2%}..{high:.2%}", *others)
    tables = [Table(title, columns, [row], left=2)]
    if len(scores.classes) <= MOST_CLASSES:
        rows = [_class(own) for own in scores.classes]
        tables.append(Table("", ("class", "images", "precision", "recall", "F1"), rows))
    return tables


def _figures(scores: Scores) -> tuple[str, ...]:
    shares = (f"{share:.2%}" for share in (scores.accuracy, scores.balanced_accuracy))
    averages = (f"{value:.4f}" for value in (scores.precision, scores.recall, scores.f1))
    return (*shares, *averages, "-" if scores.roc_auc is None else f"{scores.roc_auc:.4f}")


def _class(own: ClassScore) -> tuple[str, ...]:
    return own.label, f"{own.images:,}", f"{own.precision:.4f}", f"{own.recall:.4f}", f"{own.f1:.4f}"
