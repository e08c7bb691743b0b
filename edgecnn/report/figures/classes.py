"""Precision, recall and F1 of each class."""

from edgecnn.report.classified import ClassifiedSubject
from edgecnn.report.figure import Figure, Numbers, Shown

TITLE = "Class by class"
PLACE = 35
TASKS = ("classification",)
MOST_OPEN = 20


def draw(subject: ClassifiedSubject) -> Figure:
    """Show the classes, the worst F1 first, and what they come to on average."""
    scores = subject.evaluation.scores
    classes = sorted(scores.classes, key=lambda one: one.f1)
    rows = [(one.label, one.images, one.precision, one.recall, one.f1) for one in classes]
    averages = ("average", subject.evaluation.images, scores.precision, scores.recall, scores.f1)
    balanced = f" Accuracy is {scores.accuracy:.2%}; balanced, with each class as much, {scores.balanced_accuracy:.2%}."
    auc = "" if scores.roc_auc is None else f" The ROC AUC is {scores.roc_auc:.4f} in the mean."
    return Figure(
        caption=(
            "Precision: how often the model is right when it says this class. Recall: how many of this class it finds. "
            f"F1 is their harmonic mean; the worst is first.{balanced}{auc}"
        ),
        numbers=Numbers(("class", "images", "precision", "recall", "f1"), [*rows, averages]),
        command=f"{subject.source.command} --only classes",
        table=Shown(
            ("class", "images", "precision", "recall", "F1"),
            [
                (label, f"{images:,}", *(f"{value:.4f}" for value in values))
                for label, images, *values in (averages, *rows)
            ],
        ),
        folded=len(rows) > MOST_OPEN,
    )
