"""The figures of one model: a classifier on a split of its data set, a finder on the rendered pages."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgecnn.contender import open_contender
from edgecnn.digits.pages import digit_pages
from edgecnn.errors import EdgecnnError
from edgecnn.runtime.finder import load_finder
from edgecnn.verify.compare import Scores, SplitName, check_labels, read_for, scores_of
from edgecnn.verify.finds import Finding, count_finds, finding_of, is_finder


@dataclass(frozen=True)
class Evaluation:
    """A classifier on images. ``accuracy_ci95`` is the 95 % score interval of its accuracy (Wilson 1927)."""

    dataset: str
    split: str
    images: int
    scores: Scores
    accuracy_ci95: tuple[float, float]
    seconds: float


@dataclass(frozen=True)
class FinderEvaluation:
    """A finder on the validation pages."""

    pages: int
    digits: int
    finding: Finding
    seconds: float


def evaluate(
    model: str | Path, *, dataset: str | None = None, root: str | Path | None = None, split: SplitName = "test"
) -> Evaluation | FinderEvaluation:
    """Measure a run, a checkpoint, a model file or a model of the zoo on the data set it was made for, or ``dataset``.

    Raises DataError where the images cannot be read or have other labels, EdgecnnError where ``dataset`` or ``split``
    is asked of a finder, and what opening the model raises.
    """
    started = time.perf_counter()
    if is_finder(Path(model)):
        if dataset is not None or split != "test":
            raise EdgecnnError(f"{model}: is a finder, measured on rendered pages. Leave out --data and --split.")
        return _on_pages(model, root, started)
    contender = open_contender(model)
    images = read_for(
        contender.dataset, contender.input.shape, split, dataset=dataset, root=root, labels=contender.labels
    )
    name = dataset or contender.dataset.name
    check_labels(contender, images, name)
    logits_nk = contender.logits(images.images_nhwc)
    answer_n = logits_nk.argmax(axis=1).astype(np.int64)
    right = int((answer_n == images.labels_n).sum())
    return Evaluation(
        dataset=name,
        split=split,
        images=len(images),
        scores=scores_of(contender, images, logits_nk, answer_n),
        accuracy_ci95=_interval(right, len(images)),
        seconds=time.perf_counter() - started,
    )


def confused(scores: Scores, most: int) -> list[tuple[str, str, int]]:
    """Return the most frequent mistakes as (true label, answer, images)."""
    labels = [one.label for one in scores.classes]
    wrong_kk = np.array(scores.confusion)
    np.fill_diagonal(wrong_kk, 0)
    order = np.argsort(-wrong_kk, axis=None, kind="stable")[:most]
    places = (divmod(int(place), len(labels)) for place in order)
    return [(labels[true], labels[said], int(wrong_kk[true, said])) for true, said in places if wrong_kk[true, said]]


def _on_pages(model: str | Path, root: str | Path | None, started: float) -> FinderEvaluation:
    pages, finder = digit_pages.read(root, "test"), load_finder(model)
    found = finding_of(finder, count_finds(finder, pages))
    return FinderEvaluation(len(pages), found.found + found.missed, found, time.perf_counter() - started)


def _interval(right: int, images: int) -> tuple[float, float]:
    from scipy.stats import binomtest

    found = binomtest(right, images).proportion_ci(method="wilson")
    return float(found.low), float(found.high)
