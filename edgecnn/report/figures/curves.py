"""Learning curves: loss and metrics by epoch, of the training and the validation images."""

from edgecnn.report.curves import learning_curves
from edgecnn.report.figure import Figure, Missing, Numbers
from edgecnn.report.subject import Subject
from edgecnn.train.run_folder import read_rows

TITLE = "Learning curves"
PLACE = 20
TASKS = ()


def draw(subject: Subject) -> Figure | Missing:
    """Draw every figure of both splits by epoch."""
    run = subject.source.run
    if run is None:
        return Missing("There is no run beside the file. Name one with --run RUN, or report on the run itself.")
    rows = read_rows(run)
    names = list(rows[-1].validation)
    values = [
        (row.epoch, split, *(getattr(row, split).get(name) for name in names))
        for row in rows
        for split in ("train", "validation")
    ]
    return Figure(
        caption=(
            "Loss and metrics after each epoch, on the images it was trained on and on those held out for validation. "
            "The dotted line is the epoch that was kept. Where the two lines part, it learned by heart."
        ),
        numbers=Numbers(("epoch", "split", *names), values),
        command=f"{subject.source.command} --only curves",
        picture=learning_curves(rows),
        alt=f"Line charts of {', '.join(names)} over {len(rows)} epochs, training and validation.",
    )
