"""Train a recipe: data in memory, batches by index, a run folder that survives being killed at any moment."""

from edgecnn.train.figures import EpochRow, Outcome, Progress
from edgecnn.train.loop import train

__all__ = ["EpochRow", "Outcome", "Progress", "train"]
