"""The figures of one classifier on a split of its data set."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn.contender import ClassifierContender, open_classifier
from edgecnn.data import Split
from edgecnn.verify.compare import SplitName, check_labels, read_for, scores_of
from edgecnn.verify.scores import Scores
from edgecnn.verify.shown import evaluation_tables
from edgecnn.verify.statistics import share_interval
from edgecnn.verify.table import Table

MOST_MISTAKES = 5


@dataclass(frozen=True)
class Evaluation:
    """A classifier on images. ``accuracy_ci95`` is the 95 % score interval of its accuracy (Wilson 1927)."""

    dataset: str
    split: str
    images: int
    scores: Scores
    accuracy_ci95: tuple[float, float]
    seconds: float

    @property
    def metric(self) -> str:
        """What counts."""
        return "accuracy"

    @property
    def score(self) -> float:
        """The accuracy."""
        return self.scores.accuracy

    def tables(self) -> list[Table]:
        """Return the figures over all, and class by class where there are not too many."""
        return evaluation_tables(
            self.scores,
            images=self.images,
            split=self.split,
            dataset=self.dataset,
            seconds=self.seconds,
            interval=self.accuracy_ci95,
        )

    def remarks(self) -> list[str]:
        """Say what is most often taken for another."""
        told = (f"{true} for {said}: {count:,}" for true, said, count in confused(self.scores, MOST_MISTAKES))
        mistakes = ", ".join(told)
        return [f"most often taken for another: {mistakes}"] if mistakes else []


def evaluate_classifier(
    model: str | Path, *, dataset: str | None, root: str | Path | None, split: SplitName, provider: str
) -> Evaluation:
    """Measure a classifier on the data set it was made for, or ``dataset``.

    Raises DataError where the images cannot be read or have other labels, and what opening the model raises.
    """
    started = time.perf_counter()
    contender = open_classifier(model, provider=provider)
    images = read_for(
        contender.dataset, contender.input.shape, split, dataset=dataset, root=root, labels=contender.labels
    )
    name = dataset or contender.dataset.name
    check_labels(contender, images, name)
    found = evaluate_logits(contender, contender.logits(images.images_nhwc), images, dataset=name, split=split)
    return replace(found, seconds=time.perf_counter() - started)


def evaluate_logits(
    contender: ClassifierContender, logits_nk: NDArray[np.float32], images: Split, *, dataset: str, split: str
) -> Evaluation:
    """Measure what a classifier answered for the images of a split."""
    answer_n = logits_nk.argmax(axis=1).astype(np.int64)
    right = int((answer_n == images.labels_n).sum())
    return Evaluation(
        dataset=dataset,
        split=split,
        images=len(images),
        scores=scores_of(contender, images, logits_nk, answer_n),
        accuracy_ci95=share_interval(right, len(images)),
        seconds=0.0,
    )


def confused(scores: Scores, most: int) -> list[tuple[str, str, int]]:
    """Return the most frequent mistakes as (true label, answer, images)."""
    labels = [one.label for one in scores.classes]
    wrong_kk = np.array(scores.confusion)
    np.fill_diagonal(wrong_kk, 0)
    order = np.argsort(-wrong_kk, axis=None, kind="stable")[:most]
    places = (divmod(int(place), len(labels)) for place in order)
    return [(labels[true], labels[said], int(wrong_kk[true, said])) for true, said in places if wrong_kk[true, said]]
