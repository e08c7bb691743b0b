"""The ten worst mistakes: wrong, and sure of it."""

import numpy as np

from edgecnn.report.classified import ClassifiedSubject
from edgecnn.report.figure import Figure, Missing
from edgecnn.report.figures import _strip

TITLE = "The worst mistakes"
PLACE = 52
TASKS = ("classification",)
COUNT = 10


def draw(subject: ClassifiedSubject) -> Figure | Missing:
    """Draw the wrong answers of the highest confidence."""
    wrong_n = np.flatnonzero(~subject.right_n)
    if not len(wrong_n):
        return Missing(f"All {len(subject.split):,} answers are right.")
    worst_n = wrong_n[np.argsort(-subject.confidence_n[wrong_n], kind="stable")][:COUNT]
    found = _strip.samples(subject, worst_n.tolist())
    return Figure(
        caption=(
            f"{len(wrong_n):,} of {len(subject.split):,} answers are wrong; these are the ones that the model was "
            "surest of. Look whether the picture or its label is at fault before the model."
        ),
        numbers=_strip.numbers(found),
        command=f"{subject.source.command} --only mistakes",
        picture=_strip.draw([("", found)]),
        alt=f"{len(found)} images that are answered wrong with the highest confidence.",
    )
