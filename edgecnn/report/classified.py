"""The subject of a classifier's report: images of a split, and what the model and its reference answer."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgecnn.contender import BATCH, ClassifierContender, open_classifier
from edgecnn.data import Split
from edgecnn.report.subject import Quality, Subject
from edgecnn.verify.compare import Comparison, check_labels, check_same_input, compare_logits, read_for
from edgecnn.verify.evaluation import Evaluation, evaluate_logits

LEAST, COMPARED_MACS = 1_000, 700_000_000_000  # 8 s of two cores


class ClassifiedSubject(Subject):
    """A classifier on all images of a split."""

    @cached_property
    def contender(self) -> ClassifierContender:
        """The opened model."""
        return open_classifier(self.source.file)

    @cached_property
    def reference(self) -> ClassifierContender | None:
        """The opened reference."""
        return None if self.source.reference is None else open_classifier(self.source.reference)

    @property
    def dataset(self) -> str:
        """What the images are of."""
        return self.source.dataset or self.contender.dataset.name

    @cached_property
    def split(self) -> Split:
        """The images and their labels. Raises DataError where they are not there or have other labels."""
        self.source.say("reading images")
        own, source = self.contender, self.source
        found = read_for(
            own.dataset, own.input.shape, source.split, dataset=source.dataset, root=source.root, labels=own.labels
        )
        check_labels(own, found, self.dataset)
        return found

    @cached_property
    def logits_nk(self) -> NDArray[np.float32]:
        """The model's answers."""
        return self._answers(self.contender, self.split.images_nhwc, "")

    @cached_property
    def compared_m(self) -> NDArray[np.int64]:
        """The places of the images that the reference answers as well: all of them, or, where nobody named it, as many,
        drawn with seed 0, as take seconds."""
        images = len(self.split)
        most = images if self.source.asked or not self.macs else max(LEAST, COMPARED_MACS // self.macs)
        if most >= images:
            return np.arange(images)
        return np.sort(np.random.default_rng(0).choice(images, most, replace=False))

    @cached_property
    def reference_logits_mk(self) -> NDArray[np.float32] | None:
        """The reference's answers to the images at ``compared_m``."""
        if self.reference is None:
            return None
        check_labels(self.reference, self.split, self.dataset)
        check_same_input(self.reference, self.contender)
        return self._answers(self.reference, self.split.images_nhwc[self.compared_m], " with the reference")

    def _answers(self, contender: ClassifierContender, images_nhwc: NDArray[np.uint8], how: str) -> NDArray[np.float32]:
        parts = []
        for start in range(0, len(images_nhwc), BATCH):
            self.source.say(f"classifying image {start:,} of {len(images_nhwc):,}{how}")
            parts.append(contender.logits(images_nhwc[start : start + BATCH]))
        return np.concatenate(parts)

    @cached_property
    def probabilities_nk(self) -> NDArray[np.float64]:
        """The softmax of the logits."""
        return softmax(self.logits_nk)

    @cached_property
    def reference_probabilities_mk(self) -> NDArray[np.float64] | None:
        """The softmax of the reference's logits."""
        return None if self.reference_logits_mk is None else softmax(self.reference_logits_mk)

    @cached_property
    def answers_n(self) -> NDArray[np.int64]:
        """The best class of each image."""
        found: NDArray[np.int64] = self.logits_nk.argmax(axis=1)
        return found

    @cached_property
    def right_n(self) -> NDArray[np.bool_]:
        """Whether that is the true one."""
        found: NDArray[np.bool_] = self.answers_n == self.split.labels_n
        return found

    @cached_property
    def confidence_n(self) -> NDArray[np.float64]:
        """The probability of the best class."""
        found: NDArray[np.float64] = self.probabilities_nk.max(axis=1)
        return found

    @cached_property
    def evaluation(self) -> Evaluation:
        """The figures over all and class by class."""
        return evaluate_logits(
            self.contender, self.logits_nk, self.split, dataset=self.dataset, split=self.source.split
        )

    @cached_property
    def quality(self) -> Quality:
        """The accuracy."""
        found = self.evaluation
        guessed = float(np.bincount(self.split.labels_n).max()) / found.images
        return Quality("accuracy", found.score, found.accuracy_ci95, found.images, found.split, found.dataset, guessed)

    @cached_property
    def comparison(self) -> Comparison | None:
        """The model against its reference."""
        if self.reference is None or self.reference_logits_mk is None:
            return None
        return compare_logits(
            (self.reference, self.reference_logits_mk),
            (self.contender, self.logits_nk[self.compared_m]),
            self.split.take(self.compared_m),
            dataset=self.dataset,
            split_name=self.source.split,
            max_drop_pp=self.source.max_drop_pp,
        )


def softmax(logits_nk: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return probabilities_nk."""
    exponents = np.exp(logits_nk.astype(np.float64) - logits_nk.max(axis=1, keepdims=True))
    found: NDArray[np.float64] = exponents / exponents.sum(axis=1, keepdims=True)
    return found
