"""Two finders on the same rendered pages: digits found, missed, and found where there is none."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from edgecnn.boxes import overlaps
from edgecnn.card import FINDER
from edgecnn.contender import is_checkpoint
from edgecnn.digits.pages import digit_pages
from edgecnn.digits.pages.digit_pages import Pages
from edgecnn.metadata import read_card
from edgecnn.runtime.finder import Finder, load_finder
from edgecnn.verify.gate import JUDGED, UNKNOWN, Verdict, judge, needed
from edgecnn.verify.statistics import padded_interval

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
    """The verdict. A positive ``drop_pp`` (percentage points of F1) means that the candidate is worse.

    ``pages_needed`` is about how many pages would decide where these leave it undecided, None where over a million
    would. ``passed`` is a verdict of within.
    """

    SCHEMA: ClassVar[int] = 1

    pages: int
    digits: int
    reference: Finding
    candidate: Finding
    drop_pp: float
    drop_pp_ci95: tuple[float, float]
    max_drop_pp: float
    verdict: Verdict = field(metadata=JUDGED)
    pages_needed: int | None = field(metadata=UNKNOWN)
    passed: bool


def is_finder(path: str | Path) -> bool:
    """Tell a finder's file, or its name in the zoo, from anything else that ``open_contender`` opens."""
    return not is_checkpoint(path) and read_card(path).kind == FINDER


def compare_finders(
    reference: str | Path, candidate: str | Path, *, root: str | Path | None = None, max_drop_pp: float = 0.5
) -> FinderComparison:
    """Run two finder files on the validation pages. Raises ModelError, CardError or DataError."""
    pages = digit_pages.read(root, "test")
    return compare_on(pages, load_finder(reference), load_finder(candidate), max_drop_pp)


def compare_on(pages: Pages, reference: Finder, candidate: Finder, max_drop_pp: float) -> FinderComparison:
    """Run two finders on pages. The interval is over the pages: what is on one page does not come apart."""
    counts = [count_finds(finder, pages) for finder in (reference, candidate)]
    own, other = (finding_of(finder, found_p3) for finder, found_p3 in zip((reference, candidate), counts, strict=True))
    shares_p = f1_shares(counts[0]) - f1_shares(counts[1])
    ci95_pp = _ci95_pp(shares_p, len(pages))
    verdict = judge(ci95_pp, max_drop_pp)
    undecided = verdict == "undecided"
    return FinderComparison(
        pages=len(pages),
        digits=own.found + own.missed,
        reference=own,
        candidate=other,
        drop_pp=(own.f1 - other.f1) * 100,
        drop_pp_ci95=ci95_pp,
        max_drop_pp=max_drop_pp,
        verdict=verdict,
        pages_needed=needed(lambda n: _ci95_pp(shares_p, n), len(pages), max_drop_pp) if undecided else None,
        passed=verdict == "within",
    )


def f1_shares(counts_p3: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what each page counts for in F1, a number whose mean is F1 and whose spread is that of F1 over pages.

    F1 is a ratio of two sums over pages, 2 found over 2 found + false + missed; this is its linearization
    (Cochran 1977, Sampling Techniques, 6.4).
    """
    twice_found_p = 2.0 * counts_p3[:, 0]
    weight_p = twice_found_p + counts_p3[:, 1] + counts_p3[:, 2]
    f1 = _f1(counts_p3.sum(0))
    shares_p: NDArray[np.float64] = f1 + (twice_found_p - f1 * weight_p) / max(weight_p.mean(), 1e-9)
    return shares_p


def _ci95_pp(shares_p: NDArray[np.float64], pages: int) -> tuple[float, float]:
    """Return the 95 % interval (percentage points) were there so many pages, and all as these."""
    times = pages / len(shares_p)
    low, high = padded_interval(shares_p.sum() * times, (shares_p**2).sum() * times, pages)
    return float(low) * 100, float(high) * 100


def count_finds(finder: Finder, pages: Pages) -> NDArray[np.int64]:
    """Return (found, false, missed) of each page, (P, 3), at the score that the file has as its threshold."""
    totals = [
        matched(finder.find(image_hw).boxes_m4, boxes_b4[digits_b], boxes_b4[ignored_b])
        for image_hw, boxes_b4, digits_b, ignored_b in zip(
            pages.images, pages.boxes, pages.is_digit, pages.ignored, strict=True
        )
    ]
    return np.array(totals, np.int64)


def f1_on(pages: Pages, finder: Finder) -> float:
    """Return the F1 of a finder file on pages."""
    return _f1(count_finds(finder, pages).sum(0))


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
