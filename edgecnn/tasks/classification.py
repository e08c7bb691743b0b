"""Classification: one of several classes for each image."""

from pathlib import Path
from typing import TYPE_CHECKING

from edgecnn.card import ModelCard
from edgecnn.runtime.classifier import Classifier
from edgecnn.runtime.model import Model
from edgecnn.runtime.selftest import SelfTest
from edgecnn.runtime.session import OpenModel

if TYPE_CHECKING:
    import torch

    from edgecnn.checkpoint import Checkpoint
    from edgecnn.contender import Bare, ClassifierContender, Named, Opened
    from edgecnn.export.proven import Proven
    from edgecnn.recipes.schema import Recipe
    from edgecnn.report.classified import ClassifiedSubject
    from edgecnn.report.page import Page
    from edgecnn.report.subject import Source
    from edgecnn.tasks._classification.learning import ClassificationObjective
    from edgecnn.tasks._classification.measuring import ClassificationYardstick
    from edgecnn.train.examples import Prepared
    from edgecnn.verify.apart import Apart
    from edgecnn.verify.compare import Comparison, SplitName
    from edgecnn.verify.evaluation import Evaluation


def open_file(model: OpenModel) -> Classifier:
    """Return the opened model file as a classifier."""
    return Classifier(model)


def selftest(model: Model) -> SelfTest:
    """Classify the golden images again, as one batch and one by one."""
    from edgecnn.tasks._classification.golden_again import classified_again

    return classified_again(model)


def image_shape(card: ModelCard) -> tuple[int, int, int]:
    """Return height, width and channels of what operations and latency are counted for."""
    return card.input.shape


def prepare(recipe: "Recipe", root: str | Path | None) -> "Prepared":
    """Read the images that a recipe trains on and those that it validates on."""
    from edgecnn.tasks._classification.examples import prepared

    return prepared(recipe, root)


def objective(recipe: "Recipe", labels: int, device: "torch.device") -> "ClassificationObjective":
    """Return the loss and the figures of a training."""
    from edgecnn.tasks._classification.learning import ClassificationObjective

    return ClassificationObjective(labels, recipe.loss, device, recipe.teacher)


def prove(
    checkpoint: "Checkpoint", run: Path, *, dataset: str | None, root: str | Path | None, calibrated: bool
) -> "Proven":
    """Return the exported model and its card, after its logits were compared with those of PyTorch."""
    from edgecnn.tasks._classification.export import proven

    return proven(checkpoint, run, dataset=dataset, root=root, calibrated=calibrated)


def check(model: Model) -> None:
    """Raise ParityError unless a file that was written takes batches of any size."""
    from edgecnn.tasks._classification.export import check_batches

    check_batches(model)


def contender(model: Model, name: str, file: Path) -> "ClassifierContender":
    """Return a model file as what is compared and timed."""
    from edgecnn.tasks._classification.contender import of_file

    return of_file(model, name, file)


def checkpoint_contender(checkpoint: "Checkpoint", path: Path, threads: int) -> "ClassifierContender":
    """Return a checkpoint as what is compared and timed."""
    from edgecnn.tasks._classification.contender import of_checkpoint

    return of_checkpoint(checkpoint, path, threads)


def module_contender(bare: "Bare", threads: int) -> "ClassifierContender":
    """Return a module of PyTorch as what is compared and timed."""
    from edgecnn.tasks._classification.module import of_module

    return of_module(bare, threads)


def compare(
    reference: "Named",
    candidate: "Opened",
    *,
    dataset: str | None,
    root: str | Path | None,
    split: "SplitName",
    max_drop_pp: float,
    apart: "Apart",
) -> "Comparison":
    """Compare two classifiers on the images of a split."""
    from edgecnn.verify.compare import compare_files

    return compare_files(
        reference, candidate, dataset=dataset, root=root, split=split, max_drop_pp=max_drop_pp, apart=apart
    )


def evaluate(
    model: str | Path, *, dataset: str | None, root: str | Path | None, split: "SplitName", provider: str
) -> "Evaluation":
    """Measure a classifier on the images of a split."""
    from edgecnn.verify.evaluation import evaluate_classifier

    return evaluate_classifier(model, dataset=dataset, root=root, split=split, provider=provider)


def yardstick(
    file: Path, card: ModelCard, *, dataset: str | None, root: str | Path | None
) -> "ClassificationYardstick":
    """Return what quantized forms are calibrated on and measured with."""
    from edgecnn.tasks._classification.measuring import ClassificationYardstick

    return ClassificationYardstick.read(file, card, dataset=dataset, root=root)


def page() -> "Page":
    """Return what the page of a model in the zoo says of a classifier."""
    from edgecnn.tasks._classification.zoo_page import ClassificationPage

    return ClassificationPage()


def subject(source: "Source") -> "ClassifiedSubject":
    """Return what the report of a classifier is drawn from."""
    from edgecnn.report.classified import ClassifiedSubject

    return ClassifiedSubject(source)
