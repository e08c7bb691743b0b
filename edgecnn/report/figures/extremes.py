"""The surest right answers, and those that the model was least sure of."""

import numpy as np

from edgecnn.report.classified import ClassifiedSubject
from edgecnn.report.figure import Figure, Numbers
from edgecnn.report.figures import _strip

TITLE = "Surest and least sure"
PLACE = 51
TASKS = ("classification",)
COUNT = 5


def draw(subject: ClassifiedSubject) -> Figure:
    """Draw five of each."""
    order = np.argsort(subject.confidence_n, kind="stable")
    right = [int(index) for index in order[::-1] if subject.right_n[index]]
    groups = [
        ("surest, and right", _strip.samples(subject, right[:COUNT])),
        ("least sure", _strip.samples(subject, order[:COUNT].tolist())),
    ]
    groups = [(name, found) for name, found in groups if found]
    rows = [(name, *one.numbers) for name, found in groups for one in found]
    return Figure(
        caption="What the model takes for typical, and where it hesitates: there its second guess is worth a look.",
        numbers=Numbers(("group", "image", "true", "said", "probability"), rows),
        command=f"{subject.source.command} --only extremes",
        picture=_strip.draw(groups),
        alt="Five images that are answered right with the highest confidence, and five with the lowest.",
    )
