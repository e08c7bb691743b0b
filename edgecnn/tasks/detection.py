"""Detection: boxes around the things on an image of any size, with a score for each."""

from pathlib import Path
from typing import TYPE_CHECKING

from edgecnn.card import ModelCard
from edgecnn.errors import RecipeError
from edgecnn.runtime.detector import Detector
from edgecnn.runtime.model import Model
from edgecnn.runtime.selftest import SelfTest
from edgecnn.runtime.session import OpenModel

if TYPE_CHECKING:
    import torch

    from edgecnn.checkpoint import Checkpoint
    from edgecnn.contender import Contender, Named, Opened
    from edgecnn.export.proven import Proven
    from edgecnn.recipes.schema import Recipe
    from edgecnn.report.page import Page
    from edgecnn.report.subject import Source
    from edgecnn.tasks._detection.comparison import DetectionComparison, DetectionEvaluation
    from edgecnn.tasks._detection.learning import DetectionObjective
    from edgecnn.tasks._detection.measuring import DetectionYardstick
    from edgecnn.tasks._detection.reported import DetectedSubject
    from edgecnn.train.examples import Prepared
    from edgecnn.verify.apart import Apart
    from edgecnn.verify.compare import SplitName


def open_file(model: OpenModel) -> Detector:
    """Return the opened model file as a detector."""
    return Detector(model)


def selftest(model: Model) -> SelfTest:
    """Detect on the golden image again."""
    from edgecnn.tasks._detection.golden_again import detected_again

    return detected_again(model)


def image_shape(card: ModelCard) -> tuple[int, int, int]:
    """Return height, width and channels of what operations and latency are counted for: a camera's usual frame."""
    from edgecnn.tasks._detection.contender import FRAME

    return (*FRAME, card.input.channels)


def prepare(recipe: "Recipe", root: str | Path | None) -> "Prepared":
    """Read the images with boxes that a recipe trains on and those that it validates on."""
    from edgecnn.tasks._detection.examples import prepared

    return prepared(recipe, root)


def objective(recipe: "Recipe", labels: int, device: "torch.device") -> "DetectionObjective":
    """Return the loss and the figures of a training."""
    from edgecnn.tasks._detection.learning import DetectionObjective

    if recipe.teacher:
        raise RecipeError("[teacher] is for classifiers, and this recipe trains a detector. Leave it out.")
    return DetectionObjective(device)


def prove(
    checkpoint: "Checkpoint", run: Path, *, dataset: str | None, root: str | Path | None, calibrated: bool
) -> "Proven":
    """Return the exported model and its card, after the maps of its network were compared with those of PyTorch."""
    from edgecnn.tasks._detection.export import proven

    return proven(checkpoint, run, dataset=dataset, root=root, calibrated=calibrated)


def check(model: Model) -> None:
    """Nothing beyond the golden image: a detector takes one frame at a time."""


def contender(model: Model, name: str, file: Path) -> "Contender":
    """Return a model file as what is timed."""
    from edgecnn.tasks._detection.contender import of_file

    return of_file(model, name, file)


def checkpoint_contender(checkpoint: "Checkpoint", path: Path, threads: int) -> "Contender":
    """Raise CheckpointError: what is measured is the file."""
    from edgecnn.tasks._detection.contender import of_checkpoint

    return of_checkpoint(checkpoint, path, threads)


def compare(
    reference: "Named",
    candidate: "Opened",
    *,
    dataset: str | None,
    root: str | Path | None,
    split: "SplitName",
    max_drop_pp: float,
    apart: "Apart",
) -> "DetectionComparison":
    """Compare two detectors on the images of a split."""
    from edgecnn.tasks._detection.comparison import compared

    return compared(
        str(reference),
        str(candidate),
        dataset=dataset,
        root=root,
        split=split,
        max_drop_pp=max_drop_pp,
        apart=apart,
    )


def evaluate(
    model: str | Path, *, dataset: str | None, root: str | Path | None, split: "SplitName", provider: str
) -> "DetectionEvaluation":
    """Measure a detector on the images of a split."""
    from edgecnn.tasks._detection.comparison import evaluated

    return evaluated(model, dataset=dataset, root=root, split=split, provider=provider)


def yardstick(file: Path, card: ModelCard, *, dataset: str | None, root: str | Path | None) -> "DetectionYardstick":
    """Return what quantized forms are calibrated on and measured with."""
    from edgecnn.tasks._detection.measuring import DetectionYardstick

    return DetectionYardstick.read(file, card, dataset=dataset, root=root)


def page() -> "Page":
    """Return what the page of a model in the zoo says of a detector."""
    from edgecnn.tasks._detection.zoo_page import DetectionPage

    return DetectionPage()


def subject(source: "Source") -> "DetectedSubject":
    """Return what the report of a detector is drawn from."""
    from edgecnn.tasks._detection.reported import DetectedSubject

    return DetectedSubject(source)
