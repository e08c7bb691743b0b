"""The drop of each class and of each slice, judged apart: a whole can stand still while a part of it falls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgecnn.errors import EdgecnnError
from edgecnn.verify.gate import ERROR_RATE, Verdict, needs, sentence
from edgecnn.verify.scores import FlipCounts
from edgecnn.verify.statistics import Z95
from edgecnn.verify.table import Table

MOST_ROWS, MOST_NAMES = 20, 5
PLURAL = {"class": "classes", "slice": "slices"}

Ends = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Apart:
    """What is to be judged beside the whole: each class, and each slice of a file (``verify/slices.py``), each with
    what it may drop by. Slices are shown without a verdict where nothing says what they may."""

    max_class_drop_pp: float | None = None
    slices: str | Path | None = None
    max_slice_drop_pp: float | None = None

    def whole_alone(self, what: str) -> None:
        """Raise EdgecnnError where anything is asked for that ``what`` is compared without."""
        if self != WHOLE:
            raise EdgecnnError(f"{what} is compared as a whole. Leave out --max-class-drop-pp and --slice.")

    def check(self) -> None:
        """Raise EdgecnnError where a drop is allowed to slices that nobody named."""
        if self.max_slice_drop_pp is not None and self.slices is None:
            raise EdgecnnError("what a slice may drop by is said, and no slices are. Name them: --slice FILE.csv")


WHOLE = Apart()


@dataclass(frozen=True)
class PartDrop:
    """The drop on some of the images: those of a class, or of a slice. ``verdict`` is null where nothing is allowed."""

    name: str
    images: int
    reference_score: float
    candidate_score: float
    flip_counts: FlipCounts
    drop_pp: float
    drop_pp_ci95: tuple[float, float]
    verdict: Verdict | None = None
    images_needed: int | None = None


@dataclass(frozen=True)
class Breakdown:
    """The drops of all classes or slices. ``verdict`` is within where each of them is, beyond where one is."""

    by: Literal["class", "slice"]
    max_drop_pp: float | None
    verdict: Verdict | None
    parts: list[PartDrop]

    def table(self) -> Table:
        """Return a row for each, the worst ones where there are many."""
        parts = self.parts
        title = f"by {self.by}"
        if len(parts) > MOST_ROWS:
            parts = sorted(parts, key=lambda part: -part.drop_pp_ci95[1])[:MOST_ROWS]
            title += f": of {len(self.parts):,}, the {MOST_ROWS} whose drop may be the largest"
        columns = (self.by, "images", "reference", "candidate", "drop pp", "95 %", "harmful", "beneficial", "verdict")
        return Table(title, columns[: None if self.verdict else -1], [self._row(part) for part in parts])

    def _row(self, part: PartDrop) -> tuple[str, ...]:
        low, high = part.drop_pp_ci95
        scores = (f"{score:.4f}" for score in (part.reference_score, part.candidate_score))
        flips = (f"{count:,}" for count in (part.flip_counts.harmful, part.flip_counts.beneficial))
        drop = (f"{part.drop_pp:+.2f}", f"{low:.2f}..{high:.2f}")
        return (part.name, f"{part.images:,}", *scores, *drop, *flips, *([part.verdict] if part.verdict else []))

    def sentence(self) -> str:
        """Say the verdict, and of which parts it is another one."""
        assert self.verdict is not None
        assert self.max_drop_pp is not None
        kind = self.by
        all_of_them = f"{len(self.parts):,} {kind if len(self.parts) == 1 else PLURAL[kind]}"
        if self.verdict == "within":
            return f"each of {all_of_them} {sentence('within', None, self.max_drop_pp)}"
        concerned = [part for part in self.parts if part.verdict == self.verdict]
        names = ", ".join(part.name for part in concerned[:MOST_NAMES]) + (", …" if concerned[MOST_NAMES:] else "")
        of = f"{len(concerned):,} of {all_of_them} ({names})"
        if self.verdict == "beyond":
            return f"{of} {sentence('beyond', None, self.max_drop_pp)}"
        forecasts = [part.images_needed for part in concerned]
        most = None if None in forecasts else max(count for count in forecasts if count is not None)
        return f"{of} undecided at the allowed {self.max_drop_pp:g} points, {needs(most)} of a {kind}"


def judged_apart(
    by: Literal["class", "slice"],
    parts: Sequence[PartDrop],
    ends_pp: Callable[[float], Ends],
    needed_of: Callable[[int], int | None],
    max_drop_pp: float | None,
) -> Breakdown:
    """Judge parts. ``ends_pp`` are the intervals of all of them that reach so many standard errors to each side,
    ``needed_of`` is how many images of one of them would decide."""
    if max_drop_pp is None:
        return Breakdown(by, None, None, list(parts))
    verdicts = judge_each(ends_pp, max_drop_pp, len(parts))
    judged = [
        replace(part, verdict=verdict, images_needed=needed_of(place) if verdict == "undecided" else None)
        for place, (part, verdict) in enumerate(zip(parts, verdicts, strict=True))
    ]
    return Breakdown(by, max_drop_pp, together(verdicts), judged)


def judge_each(ends_pp: Callable[[float], Ends], max_drop_pp: float, count: int) -> list[Verdict]:
    """Judge several intervals so that what is said of all of them together has the error rate of one.

    That *all* are within needs no correction: who says so wrongly has let the worst one pass, and that alone happens in
    ``ERROR_RATE`` of cases (an intersection-union test; Berger 1982). That *one* is beyond could be wrong of each, so
    the error rate is divided among them, step by step (Holm 1979).
    """
    within_m = ends_pp(Z95)[1] <= max_drop_pp
    beyond_m = np.zeros(count, bool)
    while not beyond_m.all():
        z = NormalDist().inv_cdf(1 - ERROR_RATE / int((~beyond_m).sum()))
        found_m = ~beyond_m & (ends_pp(z)[0] > max_drop_pp)
        if not found_m.any():
            break
        beyond_m |= found_m
    return [
        "beyond" if over else "within" if held else "undecided" for over, held in zip(beyond_m, within_m, strict=True)
    ]


def together(verdicts: Sequence[Verdict | None]) -> Verdict:
    """Return the verdict of several: beyond where one is, within where all are."""
    said = [verdict for verdict in verdicts if verdict is not None]
    if "beyond" in said:
        return "beyond"
    return "undecided" if "undecided" in said else "within"
