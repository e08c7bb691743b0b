"""Train a recipe: data in memory, batches by index, a run folder that survives being killed at any moment."""

from typing import TYPE_CHECKING

from edgecnn import lazy

if TYPE_CHECKING:
    from edgecnn.train.figures import EpochRow, Outcome, Progress
    from edgecnn.train.loop import train

__all__ = ["EpochRow", "Outcome", "Progress", "train"]

lazy.stage(
    __name__,
    {
        "EpochRow": "figures",
        "Outcome": "figures",
        "Progress": "figures",
        "train": "loop",
    },
)
