"""The self-test on all images of a split: is a file as often right, here, as its card says?"""

from dataclasses import dataclass
from pathlib import Path

from edgecnn.card import CLASSIFICATION, Score
from edgecnn.contender import open_classifier
from edgecnn.errors import CardError
from edgecnn.metadata import read_card
from edgecnn.runtime.model import Model
from edgecnn.verify.compare import SplitName, check_labels, read_for
from edgecnn.verify.statistics import share_interval

CHANCE = 0.005  # how often a file that is as good as its card says fails, at most


@dataclass(frozen=True)
class Whole:
    """A classifier on a whole split. ``p`` is how often so few would be right by chance if the card's accuracy held."""

    model: str
    dataset: str
    split: str
    images: int
    accuracy: float
    accuracy_ci95: tuple[float, float]
    expected: float
    expected_images: int
    p: float
    passed: bool


def whole_selftest(
    model: Path, dataset: str, root: Path | None = None, *, provider: str = "cpu", opened: Model | None = None
) -> Whole:
    """Run a classifier on the test split of a data set, or on the validation split where its card has only that figure.

    ``opened`` is the model where it is opened already, on a device for example.

    Raises DataError where the images cannot be read or have other labels, CardError for a card without an accuracy,
    EdgecnnError for what is no classifier, and what opening the model raises.
    """
    from scipy.stats import binomtest

    card = read_card(model)
    if card.task != CLASSIFICATION:
        opened = None  # so that what is raised names the model as it was given
    contender = open_classifier(opened or model, provider=provider)
    stated = _figure(card.metrics, str(model))
    split: SplitName = "test" if stated.split == "test" else "validation"
    images = read_for(card.dataset, card.input.shape, split, dataset=dataset, root=root)
    check_labels(contender, images, dataset)
    right = int((contender.logits(images.images_nhwc).argmax(axis=1) == images.labels_n).sum())
    test = binomtest(right, len(images), stated.value, alternative="less")
    return Whole(
        model=str(model),
        dataset=dataset,
        split=split,
        images=len(images),
        accuracy=right / len(images),
        accuracy_ci95=share_interval(right, len(images)),
        expected=stated.value,
        expected_images=stated.images,
        p=float(test.pvalue),
        passed=bool(test.pvalue >= CHANCE),
    )


def _figure(metrics: list[Score], model: str) -> Score:
    """Return the figure of the test split, or else that of the validation split."""
    found = {figure.split: figure for figure in metrics}
    if not found:
        raise CardError(f"{model}: its card has no accuracy to compare with. Measure it: edgecnn evaluate {model}")
    return found.get("test") or next(iter(found.values()))
