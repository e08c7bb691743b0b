"""The images that the quantized forms of a classifier are measured with."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn import data, golden
from edgecnn.card import Calibration, Golden, ModelCard
from edgecnn.contender import ClassifierContender, open_classifier
from edgecnn.data import Split
from edgecnn.verify.compare import Comparison, check_labels, check_moved, compare_logits, read_for

CALIBRATION_IMAGES, CALIBRATION_SEED = 512, 0


@dataclass(frozen=True)
class ClassificationYardstick:
    """The training and validation images of a parent."""

    card: ModelCard
    parent: ClassifierContender
    train: Split
    validation: Split
    metric: str = "accuracy"

    @staticmethod
    def read(file: Path, card: ModelCard, *, dataset: str | None, root: str | Path | None) -> "ClassificationYardstick":
        """Read the images that a model was trained on. Raises DataError."""
        check_moved(card.dataset, dataset, str(file))
        train = read_for(card.dataset, card.input.shape, "train", dataset=dataset, root=root)
        validation = read_for(card.dataset, card.input.shape, "validation", dataset=dataset, root=root)
        return ClassificationYardstick(card, open_classifier(file), train, validation)

    @property
    def images(self) -> int:
        """How many validation images there are."""
        return len(self.validation)

    @cached_property
    def parent_logits_nk(self) -> NDArray[np.float32]:
        """What the parent answers, which every form is compared with."""
        return self.parent.logits(self.validation.images_nhwc)

    def parent_score(self) -> float:
        """Return the parent's accuracy."""
        return float((self.parent_logits_nk.argmax(axis=1) == self.validation.labels_n).mean())

    def calibration(self) -> tuple[NDArray[np.uint8], Calibration]:
        """Draw training images in stratified shares; the indices count within the training part of the split."""
        count = min(CALIBRATION_IMAGES, len(self.train) - 1)
        _, drawn = data.stratified(self.train.labels_n, count, CALIBRATION_SEED)
        record = Calibration(images=count, seed=CALIBRATION_SEED, indices=drawn.tolist())
        return self.train.images_nhwc[drawn], record

    def decisive(self, ends: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits as they are: which is the largest depends on all of them."""
        return ends

    def golden(self, graph: bytes) -> Golden:
        """Return the parent's golden images with the probabilities of a form."""
        return golden.measured(graph, self.card.golden.images_nhwc)

    def compare(self, candidate: Path, max_drop_pp: float) -> Comparison:
        """Classify the validation images, with the parent only once for all forms."""
        form = open_classifier(candidate)
        check_labels(form, self.validation, self.card.dataset.name)
        return compare_logits(
            (self.parent, self.parent_logits_nk),
            (form, form.logits(self.validation.images_nhwc)),
            self.validation,
            dataset=self.card.dataset.name,
            split_name="validation",
            max_drop_pp=max_drop_pp,
        )
