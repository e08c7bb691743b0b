"""Train a recipe: data in memory, batches by index, a run folder that survives being killed at any moment."""

from edgecnn.train.loop import EpochRow, Outcome, Progress, train

__all__ = ["EpochRow", "Outcome", "Progress", "train"]
