"""Two detectors on the same images: true positives, false positives and false negatives."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from edgecnn import progress
from edgecnn.contender import is_checkpoint
from edgecnn.data.boxes import Boxes
from edgecnn.errors import CardError, CheckpointError, EdgecnnError
from edgecnn.machine.environment import Environment
from edgecnn.runtime.detector import Detector, load_detector
from edgecnn.runtime.model import Model
from edgecnn.tasks._detection.examples import Part, is_own, read_for
from edgecnn.tasks._detection.matching import match_on
from edgecnn.text import duration
from edgecnn.verify.compare import SplitName
from edgecnn.verify.compared import Table
from edgecnn.verify.gate import JUDGED, UNKNOWN, Verdict, judge, needed
from edgecnn.verify.statistics import padded_interval

COLUMNS = ("true positives", "false negatives", "false positives", "precision", "recall", "F1")


@dataclass(frozen=True)
class DetectionScores:
    """One detector. ``f1`` is the harmonic mean of precision and recall, all three fractions."""

    model: str
    form: str
    true_positives: int
    false_positives: int
    false_negatives: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class DetectionComparison:
    """The verdict. A positive ``drop_pp`` (percentage points of F1) means that the candidate is worse.

    ``images_needed`` is about how many images would decide where these leave it undecided, None where over a million
    would. ``passed`` is a verdict of within. ``environment`` is the device that the candidate ran on, None for here.
    """

    SCHEMA: ClassVar[int] = 2

    dataset: str
    split: str
    images: int
    objects: int
    reference: DetectionScores
    candidate: DetectionScores
    drop_pp: float
    drop_pp_ci95: tuple[float, float]
    max_drop_pp: float
    verdict: Verdict = field(metadata=JUDGED)
    images_needed: int | None = field(metadata=UNKNOWN)
    passed: bool
    environment: Environment | None = None

    @property
    def metric(self) -> str:
        """What is compared."""
        return "f1"

    @property
    def reference_score(self) -> float:
        """The F1 of the reference."""
        return self.reference.f1

    @property
    def candidate_score(self) -> float:
        """The F1 of the candidate."""
        return self.candidate.f1

    def tables(self) -> list[Table]:
        """Return the counts and figures of both."""
        both = zip(("reference", "candidate"), (self.reference, self.candidate), strict=True)
        title = f"{self.objects:,} objects on {self.images:,} images of the {self.split} split of {self.dataset}"
        rows = [(role, scores.model, scores.form, *_figures(scores)) for role, scores in both]
        return [Table(title, ("", "model", "form", *COLUMNS), rows, left=3)]

    def remarks(self) -> list[str]:
        """Nothing beside."""
        return []


@dataclass(frozen=True)
class DetectionEvaluation:
    """A detector on the images of a split, with ``objects`` to be detected on them."""

    dataset: str
    split: str
    images: int
    objects: int
    scores: DetectionScores
    seconds: float

    @property
    def metric(self) -> str:
        """What counts."""
        return "f1"

    @property
    def score(self) -> float:
        """The F1."""
        return self.scores.f1

    def tables(self) -> list[Table]:
        """Return the counts and figures."""
        title = (
            f"{self.objects:,} objects on {self.images:,} images of the {self.split} split of {self.dataset}, "
            f"{duration(self.seconds)}"
        )
        row = (self.scores.model, self.scores.form, *_figures(self.scores))
        return [Table(title, ("model", "form", *COLUMNS), [row], left=2)]

    def remarks(self) -> list[str]:
        """Nothing beside."""
        return []


def _figures(scores: DetectionScores) -> tuple[str, ...]:
    counts = (scores.true_positives, scores.false_negatives, scores.false_positives)
    fractions = (scores.precision, scores.recall, scores.f1)
    return *(f"{count:,}" for count in counts), *(f"{fraction:.4f}" for fraction in fractions)


def compared(
    reference: str | Path,
    candidate: str | Path | Model,
    *,
    dataset: str | None,
    root: str | Path | None,
    split: SplitName,
    max_drop_pp: float,
) -> DetectionComparison:
    """Run two detector files on the images of a split; rendered pages are those that the reference was chosen by.

    Raises EdgecnnError where they are not those that were asked for, ModelError, CardError or DataError.
    """
    first, second = opened(reference), opened(candidate)
    boxes, name, part = boxes_for(first, dataset, root, split)
    return compare_on(boxes, first, second, max_drop_pp, dataset=name, split=part)


def evaluated(
    model: str | Path, *, dataset: str | None, root: str | Path | None, split: SplitName, provider: str
) -> DetectionEvaluation:
    """Run a detector file on the images of a split. Raises as ``compared`` does."""
    started = time.perf_counter()
    detector = opened(model, provider)
    boxes, name, part = boxes_for(detector, dataset, root, split)
    scores = scores_of(detector, count_detections(detector, boxes))
    return DetectionEvaluation(name, part, len(boxes), boxes.things, scores, time.perf_counter() - started)


def opened(path: str | Path | Model, provider: str = "cpu") -> Detector:
    """Open a detector file, or take one that was opened on a device. Raises CheckpointError for a run."""
    if isinstance(path, Model):
        if not isinstance(path, Detector):
            raise CardError(f"{path.name}: is for {path.card.task}; a model for detection was expected.")
        return path
    if is_checkpoint(path):
        raise CheckpointError(
            f"{path}: holds a detector, which is measured as the file that answers boxes. First: edgecnn export {path}"
        )
    return load_detector(path, provider=provider)


def boxes_for(
    detector: Detector, dataset: str | None, root: str | Path | None, split: SplitName
) -> tuple[Boxes, str, str]:
    """Return images with boxes, and what data set and split they are of."""
    name = dataset or detector.card.dataset.name
    part: Part = split
    if not is_own(name):
        if dataset is not None or split != "test":
            raise EdgecnnError(
                f"{detector.name}: is a detector, measured on the validation images of {detector.card.dataset.name}. "
                "Leave out --data and --split, or name a folder of pictures with boxes: --data folder:PATH"
            )
        part = "validation"  # rendered pages have no test split
    return read_for(detector.card, part, root, dataset=dataset), name, part


def compare_on(
    boxes: Boxes,
    reference: Detector,
    candidate: Detector,
    max_drop_pp: float,
    *,
    dataset: str,
    split: str,
    reference_counts_n3: NDArray[np.int64] | None = None,
) -> DetectionComparison:
    """Run two detectors on images, the reference unless its counts are known.

    The interval is over images: what is on one image does not come apart.
    """
    if reference_counts_n3 is None:
        reference_counts_n3 = count_detections(reference, boxes)
    second = (candidate, count_detections(candidate, boxes))
    return compare_counts((reference, reference_counts_n3), second, boxes, max_drop_pp, dataset=dataset, split=split)


def compare_counts(
    reference: tuple[Detector, NDArray[np.int64]],
    candidate: tuple[Detector, NDArray[np.int64]],
    boxes: Boxes,
    max_drop_pp: float,
    *,
    dataset: str,
    split: str,
) -> DetectionComparison:
    """Compare what two detectors had right, false and missed on each image, (N, 3)."""
    own, other = scores_of(*reference), scores_of(*candidate)
    shares_p = f1_shares(reference[1]) - f1_shares(candidate[1])
    ci95_pp = interval_pp(shares_p, len(boxes))
    verdict = judge(ci95_pp, max_drop_pp)
    undecided = verdict == "undecided"
    return DetectionComparison(
        dataset=dataset,
        split=split,
        images=len(boxes),
        objects=boxes.things,
        reference=own,
        candidate=other,
        drop_pp=(own.f1 - other.f1) * 100,
        drop_pp_ci95=ci95_pp,
        max_drop_pp=max_drop_pp,
        verdict=verdict,
        images_needed=needed(lambda n: interval_pp(shares_p, n), len(boxes), max_drop_pp) if undecided else None,
        passed=verdict == "within",
        environment=candidate[0].environment,
    )


def f1_shares(counts_p3: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what each image counts for in F1, a number whose mean is F1 and whose spread is that of F1 over images.

    F1 is a ratio of two sums over images, 2 TP over 2 TP + FP + FN; this is its linearization
    (Cochran 1977, Sampling Techniques, 6.4).
    """
    twice_right_p = 2.0 * counts_p3[:, 0]
    weight_p = twice_right_p + counts_p3[:, 1] + counts_p3[:, 2]
    f1 = f1_of(counts_p3.sum(0))
    shares_p: NDArray[np.float64] = f1 + (twice_right_p - f1 * weight_p) / max(weight_p.mean(), 1e-9)
    return shares_p


def interval_pp(shares_p: NDArray[np.float64], images: int) -> tuple[float, float]:
    """Return the 95 % interval (percentage points) were there so many images, and all as these."""
    times = images / len(shares_p)
    low, high = padded_interval(shares_p.sum() * times, (shares_p**2).sum() * times, images)
    return float(low) * 100, float(high) * 100


def count_detections(detector: Detector, boxes: Boxes) -> NDArray[np.int64]:
    """Return (true positives, false positives, false negatives) of each image, (N, 3), at the score that the file has
    as its threshold."""
    each = zip(progress.told(boxes.images_nhwc), boxes.boxes_nb4, boxes.what_nb, strict=True)
    totals = [
        match_on(detector.detect(image_hwc).boxes_m4, boxes_b4, what_b).counts for image_hwc, boxes_b4, what_b in each
    ]
    return np.array(totals, np.int64)


def f1_on(boxes: Boxes, detector: Detector) -> float:
    """Return the F1 of a detector on images."""
    return f1_of(count_detections(detector, boxes).sum(0))


def scores_of(detector: Detector, counts_n3: NDArray[np.int64]) -> DetectionScores:
    """Return the figures of a detector from its true positives, false positives and false negatives on each image."""
    true_positives, false_positives, false_negatives = (int(total) for total in counts_n3.sum(0))
    return DetectionScores(
        model=detector.name,
        form=detector.card.form,
        true_positives=true_positives,
        false_positives=false_positives,
        false_negatives=false_negatives,
        precision=true_positives / max(true_positives + false_positives, 1),
        recall=true_positives / max(true_positives + false_negatives, 1),
        f1=f1_of(counts_n3.sum(0)),
    )


def f1_of(counts_3: NDArray[np.int64]) -> float:
    """Return F1 from the numbers of true positives, false positives and false negatives."""
    true_positives, false_positives, false_negatives = counts_3
    return float(2 * true_positives / max(2 * true_positives + false_positives + false_negatives, 1))
