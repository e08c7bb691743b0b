"""Two finders on the same rendered pages: digits found, missed, and found where there is none."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgecnn.boxes import overlaps
from edgecnn.contender import is_checkpoint
from edgecnn.data.pages import digit_pages
from edgecnn.data.pages.digit_pages import Pages
from edgecnn.runtime.finder import Finder, load_either, load_finder

RESAMPLES = 1000
RIGHT, EXCUSED = 0.5, 0.3  # intersection over union with a digit, with something that no one could read


@dataclass(frozen=True)
class Finding:
    """One finder. ``f1`` is the harmonic mean of precision and recall, all three fractions."""

    model: str
    form: str
    found: int
    false: int
    missed: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class FinderComparison:
    """The verdict. A positive ``drop_pp`` (percentage points of F1) means that the candidate is worse."""

    pages: int
    digits: int
    reference: Finding
    candidate: Finding
    drop_pp: float
    drop_pp_ci95: tuple[float, float]
    max_drop_pp: float
    passed: bool


def is_finder(path: Path) -> bool:
    """Tell a finder's file, or its name in the zoo, from anything else that ``open_contender`` opens."""
    return not is_checkpoint(path) and isinstance(load_either(path), Finder)


def compare_finders(
    reference: Path, candidate: Path, *, root: Path | None = None, max_drop_pp: float = 0.5
) -> FinderComparison:
    """Run two finder files on the validation pages. Raises ModelError, CardError or DataError."""
    pages = digit_pages.read(root, "test")
    return compare_on(pages, load_finder(reference), load_finder(candidate), max_drop_pp)


def compare_on(pages: Pages, reference: Finder, candidate: Finder, max_drop_pp: float) -> FinderComparison:
    """Run two finders on pages; the interval is over pages drawn again and again."""
    counts = [count_finds(finder, pages) for finder in (reference, candidate)]
    own, other = (finding_of(finder, found_p3) for finder, found_p3 in zip((reference, candidate), counts, strict=True))
    drop_pp = (own.f1 - other.f1) * 100
    drawn = np.random.default_rng(0).integers(0, len(pages), (RESAMPLES, len(pages)))
    drops = [_f1(counts[0][pages_p].sum(0)) - _f1(counts[1][pages_p].sum(0)) for pages_p in drawn]
    low, high = np.percentile(drops, [2.5, 97.5]) * 100
    return FinderComparison(
        pages=len(pages),
        digits=own.found + own.missed,
        reference=own,
        candidate=other,
        drop_pp=drop_pp,
        drop_pp_ci95=(float(low), float(high)),
        max_drop_pp=max_drop_pp,
        passed=drop_pp <= max_drop_pp,
    )


def count_finds(finder: Finder, pages: Pages) -> NDArray[np.int64]:
    """Return (found, false, missed) of each page, (P, 3), at the score that the file has as its threshold."""
    totals = [
        matched(finder.find(image_hw).boxes_m4, boxes_b4[digits_b], boxes_b4[ignored_b])
        for image_hw, boxes_b4, digits_b, ignored_b in zip(
            pages.images, pages.boxes, pages.is_digit, pages.ignored, strict=True
        )
    ]
    return np.array(totals, np.int64)


def finding_of(finder: Finder, counts_p3: NDArray[np.int64]) -> Finding:
    """Return the figures of what a finder found, false and missed on each page, as ``count_finds`` counts."""
    found, false, missed = (int(total) for total in counts_p3.sum(0))
    return Finding(
        model=finder.name,
        form=finder.card.form,
        found=found,
        false=false,
        missed=missed,
        precision=found / max(found + false, 1),
        recall=found / max(found + missed, 1),
        f1=_f1(counts_p3.sum(0)),
    )


def _f1(counts_3: NDArray[np.int64]) -> float:
    found, false, missed = counts_3
    return float(2 * found / max(2 * found + false + missed, 1))


def matched(
    boxes_m4: NDArray[np.float32], digits_k4: NDArray[np.float32], unread_b4: NDArray[np.float32]
) -> tuple[int, int, int]:
    """Count (found, false, missed). Boxes are x, y, width, height; the better find comes first and takes its digit."""
    free = np.ones(len(digits_k4), bool)
    false = 0
    for box in boxes_m4:
        overlap_k = np.where(free, overlaps(box[None], digits_k4)[0], 0)
        if overlap_k.max(initial=0) > RIGHT:
            free[overlap_k.argmax()] = False
        elif overlaps(box[None], unread_b4).max(initial=0) <= EXCUSED:
            false += 1
    return int((~free).sum()), false, int(free.sum())
