"""Ten images with what they are and what the model says."""

import numpy as np

from edgecnn.report.classified import ClassifiedSubject
from edgecnn.report.figure import Figure
from edgecnn.report.figures import _strip

TITLE = "Ten images"
PLACE = 50
TASKS = ("classification",)
COUNT, SEED = 10, 0


def draw(subject: ClassifiedSubject) -> Figure:
    """Draw images that chance picked."""
    count = min(COUNT, len(subject.split))
    picked = np.random.default_rng(SEED).choice(len(subject.split), count, replace=False)
    found = _strip.samples(subject, sorted(picked.tolist()))
    right = sum(one.said[0][1] == one.true for one in found)
    return Figure(
        caption=f"Drawn at random (seed {SEED}): what the model says of each, and how sure it is.",
        numbers=_strip.numbers(found),
        command=f"{subject.source.command} --only samples",
        picture=_strip.draw([("", found)]),
        alt=f"{count} images with true class and prediction; {right} are right.",
    )
