"""A classifier as what is compared and timed."""

from pathlib import Path
from typing import TYPE_CHECKING

from edgecnn import contender
from edgecnn.contender import ClassifierContender
from edgecnn.runtime.classifier import Classifier
from edgecnn.runtime.model import Model

if TYPE_CHECKING:
    from edgecnn.checkpoint import Checkpoint


def of_file(model: Model, name: str, file: Path) -> ClassifierContender:
    """Return a model file as a contender whose answers are logits."""
    assert isinstance(model, Classifier)
    return contender.of_model(ClassifierContender, model, name, file, model.card.golden.images_nhwc, model.logits)


def of_checkpoint(checkpoint: "Checkpoint", path: Path, threads: int) -> ClassifierContender:
    """Return a checkpoint as a contender whose answers are logits."""
    return contender.of_checkpoint(ClassifierContender, checkpoint, path, threads)
