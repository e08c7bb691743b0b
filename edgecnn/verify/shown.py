"""What people look at of classifiers on images: tables, and what is said beside them."""

from edgecnn.text import counted, duration
from edgecnn.verify.scores import ClassScore, Effect, Flip, FlipCounts, Scores, counted_flips
from edgecnn.verify.table import Table

MOST_CLASSES, MOST_FLIPS = 20, 10
EFFECTS: tuple[Effect, ...] = ("harmful", "beneficial", "neutral")
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
        first = f"; the first {MOST_FLIPS}, harmful ones before others" if len(flips) > MOST_FLIPS else ""
        ordered = sorted(flips, key=lambda flip: EFFECTS.index(flip.effect))[:MOST_FLIPS]
        rows = [(str(flip.index), flip.label, flip.reference, flip.candidate, flip.effect) for flip in ordered]
        columns = ("image", "true", "reference says", "candidate says", "flip")
        images = sum(own.images for own in candidate.classes)
        tables.append(Table(f"{flips_text(counted_flips(flips), images)}{first}", columns, rows, left=5))
    return tables


def flips_text(found: FlipCounts, images: int) -> str:
    """Say how many images flipped, and to what effect.

    >>> flips_text(FlipCounts(7, 3, 0), 1000)
    '10 images flipped: 7 harmful (0.70%), 3 beneficial (0.30%)'
    """
    counts = zip(EFFECTS, (found.harmful, found.beneficial, found.neutral), strict=True)
    told = [f"{count:,} {effect} ({count / images:.2%})" for effect, count in counts if count]
    flipped = found.harmful + found.beneficial + found.neutral
    return f"{counted(flipped, 'image')} flipped: {', '.join(told)}" if told else "no image flipped"


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
