"""Two classifiers on the same images. Neither knows of the other, and how they were made does not matter."""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from edgecnn import data, metrics
from edgecnn.card import DatasetRecord
from edgecnn.contender import ClassifierContender, Named, Opened, open_classifier
from edgecnn.data import Split
from edgecnn.data.names import unlike
from edgecnn.data.sources import location_of
from edgecnn.documents import later
from edgecnn.errors import DataError
from edgecnn.machine.environment import Environment
from edgecnn.text import duration
from edgecnn.verify.apart import WHOLE, Apart, Breakdown, together
from edgecnn.verify.by_part import Parts, broken_down, needed_for, parts_of
from edgecnn.verify.gate import ERROR_RATE, JUDGED, RATE, UNKNOWN, Verdict, judge
from edgecnn.verify.scores import ClassScore, Flip, FlipCounts, Scores, counted_flips
from edgecnn.verify.shown import comparison_tables
from edgecnn.verify.statistics import drop_ci95_pp, mcnemar_p, roc_auc
from edgecnn.verify.table import Table

SplitName = Literal["test", "validation"]
Answered = tuple[ClassifierContender, NDArray[np.float32]]  # a classifier, and its logits_nk


@dataclass(frozen=True)
class Comparison:
    """The verdict. A positive ``drop_pp`` (percentage points) means that the candidate is worse.

    ``error_rate`` is how often, at most, a candidate that is worse than allowed is called within it, and one that is
    not, beyond it. ``images_needed`` is about how many images would decide, in 80 % of cases, where these leave it
    undecided; None where over a million would. ``by_class`` and ``by_slice`` are what was judged apart, None where
    nobody asked; ``verdict`` is that of all of them together with the whole, beyond where one of them is. ``passed`` is
    a verdict of within. ``environment`` is the device that the candidate ran on, None for here.
    """

    SCHEMA: ClassVar[int] = 1

    dataset: str
    split: str
    images: int
    reference: Scores
    candidate: Scores
    drop_pp: float
    drop_pp_ci95: tuple[float, float]
    mcnemar_p: float
    agreement: float
    flips: list[Flip]
    max_abs_logit_gap: float
    max_drop_pp: float
    verdict: Verdict = field(metadata=JUDGED)
    images_needed: int | None = field(metadata=UNKNOWN)
    passed: bool
    seconds: float
    environment: Environment | None = None
    error_rate: float = field(default=ERROR_RATE, metadata=RATE)
    flip_counts: FlipCounts | None = field(default=None, metadata=later(lambda found: counted_flips(found["flips"])))

    by_class: Breakdown | None = field(default=None, metadata=UNKNOWN)
    by_slice: Breakdown | None = field(default=None, metadata=UNKNOWN)

    @property
    def metric(self) -> str:
        """What is compared."""
        return "accuracy"

    @property
    def reference_score(self) -> float:
        """The accuracy of the reference."""
        return self.reference.accuracy

    @property
    def candidate_score(self) -> float:
        """The accuracy of the candidate."""
        return self.candidate.accuracy

    def tables(self) -> list[Table]:
        """Return the metrics of both, class by class where there are not too many, and the images that flipped."""
        title = f"{self.images:,} images of the {self.split} split of {self.dataset}, {duration(self.seconds)}"
        apart = [found.table() for found in self.breakdowns()]
        return comparison_tables(title, self.reference, self.candidate, self.flips) + apart

    def breakdowns(self) -> list[Breakdown]:
        """Return what was judged apart."""
        return [found for found in (self.by_class, self.by_slice) if found is not None]

    def remarks(self) -> list[str]:
        """Say how alike the two answer."""
        return [
            f"agreement {self.agreement:.2%}, largest logit gap {self.max_abs_logit_gap:.2g}, McNemar p "
            f"{self.mcnemar_p:.2g}"
        ]


def compare(
    reference: ClassifierContender,
    candidate: ClassifierContender,
    split: Split,
    *,
    dataset: str,
    split_name: str,
    max_drop_pp: float,
    apart: Apart = WHOLE,
) -> Comparison:
    """Run both on every image, then compare."""
    started = time.perf_counter()
    check_labels(reference, split, dataset)
    check_labels(candidate, split, dataset)
    check_same_input(reference, candidate)
    parts = parts_of(apart, split, where(split_name, dataset))
    first, second = ((contender, contender.logits(split.images_nhwc)) for contender in (reference, candidate))
    found = compare_answered(
        first, second, split, dataset=dataset, split_name=split_name, max_drop_pp=max_drop_pp, apart=apart, parts=parts
    )
    return replace(found, seconds=time.perf_counter() - started)


def where(split_name: str, dataset: str) -> str:
    """Return what messages call a split of a data set."""
    return f"{split_name} split of {dataset}"


def compare_answered(
    reference: Answered,
    candidate: Answered,
    split: Split,
    *,
    dataset: str,
    split_name: str,
    max_drop_pp: float,
    apart: Apart,
    parts: tuple[Parts | None, Parts | None],
) -> Comparison:
    """Compare what two classifiers answered for the images of a split, and judge its ``parts`` apart."""
    found = compare_logits(reference, candidate, split, dataset=dataset, split_name=split_name, max_drop_pp=max_drop_pp)
    answers = [logits_nk.argmax(axis=1) for _, logits_nk in (reference, candidate)]
    by_class, by_slice = broken_down(apart, parts, answers, split.labels_n)
    verdict = together([found.verdict, *(each.verdict for each in (by_class, by_slice) if each)])
    return replace(found, by_class=by_class, by_slice=by_slice, verdict=verdict, passed=verdict == "within")


def compare_logits(
    reference: Answered,
    candidate: Answered,
    split: Split,
    *,
    dataset: str,
    split_name: str,
    max_drop_pp: float,
) -> Comparison:
    """Compare what two classifiers answered, as logits_nk, for the images of a split."""
    logits = [reference[1], candidate[1]]
    answers = [logits_nk.argmax(axis=1).astype(np.int64) for logits_nk in logits]
    flips = _flips(split, *answers)
    counts = counted_flips(flips)
    lost, won = counts.harmful, counts.beneficial
    ci95_pp = drop_ci95_pp(lost, won, len(split))
    verdict = judge(ci95_pp, max_drop_pp)
    return Comparison(
        dataset=dataset,
        split=split_name,
        images=len(split),
        reference=scores_of(reference[0], split, logits[0], answers[0]),
        candidate=scores_of(candidate[0], split, logits[1], answers[1]),
        drop_pp=(lost - won) * 100 / len(split),  # so that 7 of 1,000 are 0.7, not more
        drop_pp_ci95=ci95_pp,
        mcnemar_p=mcnemar_p(lost, won),
        agreement=float((answers[0] == answers[1]).mean()),
        flips=flips,
        max_abs_logit_gap=float(np.abs(logits[0] - logits[1]).max()),
        max_drop_pp=max_drop_pp,
        verdict=verdict,
        images_needed=needed_for(lost, won, len(split), max_drop_pp) if verdict == "undecided" else None,
        passed=verdict == "within",
        seconds=0.0,
        environment=candidate[0].environment,
        flip_counts=counts,
    )


def compare_files(
    reference: Named,
    candidate: Opened,
    *,
    dataset: str | None = None,
    root: str | Path | None = None,
    split: SplitName = "test",
    max_drop_pp: float = 0.5,
    apart: Apart = WHOLE,
) -> Comparison:
    """Compare two runs, checkpoints or model files on the data set that the reference was made for, or on ``dataset``.

    ``apart`` is what is judged beside the whole. Raises DataError when their labels differ from the data set's, and
    what opening either raises.
    """
    first, second = open_classifier(reference), open_classifier(candidate)
    images = read_for(first.dataset, first.input.shape, split, dataset=dataset, root=root, labels=first.labels)
    name = dataset or first.dataset.name
    return compare(first, second, images, dataset=name, split_name=split, max_drop_pp=max_drop_pp, apart=apart)


def read_for(
    record: DatasetRecord,
    shape: tuple[int, int, int],
    split: Literal["test", "validation", "train"],
    *,
    dataset: str | None = None,
    root: str | Path | None = None,
    labels: tuple[str, ...] = (),
) -> Split:
    """Read the split that belongs to a model: the test split as it is, training and validation as they were drawn.

    With the model's ``labels`` the images get these, in the model's order; a data set other than the one that the model
    was made for may then lack some of them, and is taken whole where it has no splits.
    """
    name = dataset or record.name
    if not record.is_known:
        record = _drawn(dataset, shape, root)
    if dataset is None and not data.is_named(name) and not _reachable(name):
        raise DataError(f"the model was trained on {name}, which is not here. Say where it is with --data.")
    size, channels, groups = shape[:2], shape[2], record.groups
    if split == "test" and labels and is_other(record, dataset) and groups is None:
        return data.read_other(name, labels, size=size, channels=channels, root=root)
    early = None if data.is_named(name) else size  # what a named set has is made larger once it is known which images
    if record.own_validation and split == "validation":
        found = data.read_split(name, "validation", root=root, size=early, channels=channels)
    else:
        part: Literal["test", "train"] = "test" if split == "test" else "train"
        found = data.read_split(name, part, root=root, size=early, channels=channels)
    if split == "test" or record.own_validation:
        found = data.restricted(found, None if split != "train" else record.subset, groups, record.split_seed)
    else:
        found = data.partition(found, record)[0 if split == "train" else 1]
    found = data.brought_to(found, size, channels)
    return data.relabeled(found, labels, name) if labels else found


def is_other(record: DatasetRecord, dataset: str | None) -> bool:
    """Tell whether a data set is another one than that of a record."""
    return dataset is not None and data.public_name(dataset) != data.public_name(record.name)


def _drawn(dataset: str | None, shape: tuple[int, int, int], root: str | Path | None) -> DatasetRecord:
    """Return how the images of a model are divided whose card names no data set."""
    if dataset is None:
        raise DataError("its card names no data set, as none was said when the file was made. Say one with --data.")
    return data.drawn_record(dataset, size=shape[:2], channels=shape[2], root=root)


def check_moved(record: DatasetRecord, dataset: str | None, model: str) -> None:
    """Raise DataError where ``dataset`` is not the one that a model was made for in another place, but another one.

    What a file's card says of its images is true of the one alone.
    """
    if dataset is not None and record.is_known and data.is_named(dataset) and dataset != record.name:
        raise DataError(
            f"{model}: was made for {record.name}, not for {dataset}. --data says where {record.name} lies now; to "
            f"measure it on {dataset}, use edgecnn verify."
        )


def _reachable(name: str) -> bool:
    return location_of(name).exists()


def check_labels(contender: ClassifierContender, split: Split, dataset: str) -> None:
    """Raise DataError unless the contender answers the labels of the split, in that order."""
    check_names(contender, split.names, dataset)


def check_names(contender: ClassifierContender, names: tuple[str, ...], dataset: str) -> None:
    """Raise DataError unless the contender answers these labels, in that order."""
    if contender.labels != names:
        hint = unlike(sorted(set(names) - set(contender.labels)), contender.labels)
        raise DataError(
            f"{contender.name}: answers {len(contender.labels)} labels ({_some(contender.labels)}), "
            f"{dataset} has {len(names)} ({_some(names)}).{hint} Name the data set it was made for with "
            "--data."
        )


def check_same_input(reference: ClassifierContender, candidate: ClassifierContender) -> None:
    """Raise DataError unless both take the same images."""
    if reference.input != candidate.input:
        raise DataError(
            f"{reference.name} takes {reference.input} images, {candidate.name} takes {candidate.input}; "
            "only models with the same input can be compared image by image."
        )


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:4]) + (", …" if len(names) > 4 else "")


def scores_of(
    contender: ClassifierContender, split: Split, logits_nk: NDArray[np.float32], answer_n: NDArray[np.int64]
) -> Scores:
    """Return the figures of one classifier's answers to the images of a split."""
    confusion_kk = metrics.confusion_matrix(split.labels_n, answer_n, len(split.names))
    found = metrics.from_confusion(confusion_kk)
    counts_k = confusion_kk.sum(axis=1)
    by_class = zip(split.names, found.precision_k, found.recall_k, found.f1_k, counts_k, strict=True)
    return Scores(
        model=contender.name,
        form=contender.form,
        accuracy=found.accuracy,
        precision=found.precision,
        recall=found.recall,
        f1=found.f1,
        roc_auc=roc_auc(split.labels_n, _softmax(logits_nk)),
        classes=[ClassScore(label, float(p), float(r), float(f1), int(n)) for label, p, r, f1, n in by_class],
        confusion=confusion_kk.tolist(),
        balanced_accuracy=found.balanced_accuracy,
    )


def _softmax(logits_nk: NDArray[np.float32]) -> NDArray[np.float64]:
    shifted = logits_nk.astype(np.float64) - logits_nk.max(axis=1, keepdims=True)
    exponents = np.exp(shifted)
    result: NDArray[np.float64] = exponents / exponents.sum(axis=1, keepdims=True)
    return result


def _flips(split: Split, reference_n: NDArray[np.int64], candidate_n: NDArray[np.int64]) -> list[Flip]:
    names = split.names
    return [
        Flip(int(i), names[split.labels_n[i]], names[reference_n[i]], names[candidate_n[i]])
        for i in np.flatnonzero(reference_n != candidate_n)
    ]
