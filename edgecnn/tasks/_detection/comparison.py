"""Two detectors on the same images: true positives, false positives and false negatives."""

import time
from dataclasses import dataclass, field, replace
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
from edgecnn.verify.apart import WHOLE, Apart, Breakdown, Ends, PartDrop, judged_apart, together
from edgecnn.verify.compare import SplitName
from edgecnn.verify.gate import ERROR_RATE, JUDGED, RATE, UNKNOWN, Verdict, judge, needed
from edgecnn.verify.scores import FlipCounts
from edgecnn.verify.shown import flips_text
from edgecnn.verify.slices import read_slices
from edgecnn.verify.statistics import Z95, padded_interval
from edgecnn.verify.table import Table

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

    ``error_rate`` is how often, at most, a candidate that is worse than allowed is called within it, and one that is
    not, beyond it. ``images_needed`` is about how many images would decide, in 80 % of cases, where these leave it
    undecided; None where over a million would. ``by_slice`` is what was judged apart, None where nobody asked;
    ``verdict`` is that of all of it together with the whole. ``passed`` is a verdict of within. ``environment`` is the
    device that the candidate ran on, None for here.
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
    error_rate: float = field(default=ERROR_RATE, metadata=RATE)
    flip_counts: FlipCounts | None = field(default=None, metadata=UNKNOWN)
    by_slice: Breakdown | None = field(default=None, metadata=UNKNOWN)

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
        apart = [found.table() for found in self.breakdowns()]
        return [Table(title, ("", "model", "form", *COLUMNS), rows, left=3), *apart]

    def breakdowns(self) -> list[Breakdown]:
        """Return what was judged apart."""
        return [] if self.by_slice is None else [self.by_slice]

    def remarks(self) -> list[str]:
        """Say on how many images the candidate makes more mistakes, and on how many fewer."""
        return [] if self.flip_counts is None else [flips_text(self.flip_counts, self.images)]


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
    apart: Apart = WHOLE,
) -> DetectionComparison:
    """Run two detector files on the images of a split; rendered pages are those that the reference was chosen by.

    Raises EdgecnnError where they are not those that were asked for, ModelError, CardError or DataError.
    """
    apart.check()
    if apart.max_class_drop_pp is not None:
        raise EdgecnnError(
            f"{reference}: is a detector of one kind of thing, without classes. Leave out --max-class-drop-pp; --slice "
            "judges images apart."
        )
    first, second = opened(reference), opened(candidate)
    boxes, name, part = boxes_for(first, dataset, root, split)
    slices = None
    if apart.slices is not None:
        slices = read_slices(apart.slices, len(boxes), boxes.files, f"{part} split of {name}")
    counts = [count_detections(detector, boxes) for detector in (first, second)]
    found = compare_counts((first, counts[0]), (second, counts[1]), boxes, max_drop_pp, dataset=name, split=part)
    if slices is None:
        return found
    by_slice = _by_slice(slices, counts[0], counts[1], apart.max_slice_drop_pp)
    verdict = together([found.verdict, by_slice.verdict])
    return replace(found, by_slice=by_slice, verdict=verdict, passed=verdict == "within")


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
        images_needed=_needed(shares_p, max_drop_pp) if undecided else None,
        passed=verdict == "within",
        environment=candidate[0].environment,
        flip_counts=_changes(reference[1], candidate[1]),
    )


def _by_slice(
    slices: dict[str, NDArray[np.int64]],
    reference_n3: NDArray[np.int64],
    candidate_n3: NDArray[np.int64],
    max_drop_pp: float | None,
) -> Breakdown:
    """Judge the F1 on each slice of the images."""
    both = [(reference_n3[place_m], candidate_n3[place_m]) for place_m in slices.values()]
    shares = [f1_shares(own_m3) - f1_shares(other_m3) for own_m3, other_m3 in both]

    def ends_pp(z: float) -> Ends:
        ends = [interval_pp(shares_m, len(shares_m), z) for shares_m in shares]
        return np.array([low for low, _ in ends]), np.array([high for _, high in ends])

    parts = [
        PartDrop(
            name=name,
            images=len(own_m3),
            reference_score=f1_of(own_m3.sum(0)),
            candidate_score=f1_of(other_m3.sum(0)),
            flip_counts=_changes(own_m3, other_m3),
            drop_pp=(f1_of(own_m3.sum(0)) - f1_of(other_m3.sum(0))) * 100,
            drop_pp_ci95=interval_pp(shares_m, len(shares_m)),
        )
        for name, (own_m3, other_m3), shares_m in zip(slices, both, shares, strict=True)
    ]

    def needed_of(place: int) -> int | None:
        assert max_drop_pp is not None
        return _needed(shares[place], max_drop_pp)

    return judged_apart("slice", parts, ends_pp, needed_of, max_drop_pp)


def _needed(shares_p: NDArray[np.float64], max_drop_pp: float) -> int | None:
    """Return about how many images would decide, were the difference in F1 and its spread those that were seen."""
    drop, deviation = float(shares_p.mean()), float(shares_p.std())

    def expected(count: int, luck: float) -> tuple[float, float]:
        return interval_pp(shares_p + luck * deviation / np.sqrt(count), count)

    return needed(expected, len(shares_p), drop * 100, max_drop_pp)


def _changes(reference_n3: NDArray[np.int64], candidate_n3: NDArray[np.int64]) -> FlipCounts:
    """Count the images that both do not detect alike by what became of the false positives and false negatives."""
    change_n = (candidate_n3 - reference_n3)[:, 1:].sum(axis=1)
    as_many = int(((change_n == 0) & (candidate_n3 != reference_n3).any(axis=1)).sum())
    return FlipCounts(int((change_n > 0).sum()), int((change_n < 0).sum()), as_many)


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


def interval_pp(shares_p: NDArray[np.float64], images: int, z: float = Z95) -> tuple[float, float]:
    """Return the 95 % interval (percentage points) were there so many images, and all as these."""
    times = images / len(shares_p)
    low, high = padded_interval(shares_p.sum() * times, (shares_p**2).sum() * times, images, z)
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
