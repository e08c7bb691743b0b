"""What a search did: who was compared at each rung, in which order, and who was stopped there and why."""

from dataclasses import dataclass
from typing import Literal

from edgecnn import metrics
from edgecnn.text import counted


@dataclass(frozen=True)
class Stopped:
    """A run that a search has stopped after so many ``epochs``, and ``why``. The other figures are as those of a
    finished run: of the epoch that it would have kept had it ended there."""

    why: str
    best_epoch: int
    epochs: int
    seconds: float
    train: dict[str, float]
    validation: dict[str, float]
    metric: str

    @property
    def seconds_per_epoch(self) -> float:
        """How long an epoch took."""
        return self.seconds / self.epochs

    @property
    def score(self) -> float:
        """The value of the metric that training follows, on the validation split."""
        return self.validation[self.metric]


@dataclass(frozen=True)
class RankedLabel:
    """A label at a rung: the ``value`` of the search's metric, the mean over its seeds, and what became of it."""

    label: str
    value: float | None
    verdict: Literal["went on", "finished", "stopped", "failed"]
    why: str


@dataclass(frozen=True)
class RungResult:
    """The labels that were compared after so many epochs, best first."""

    epoch: int
    ranking: list[RankedLabel]


@dataclass(frozen=True)
class SearchResult:
    """A search: its rule, its rungs, which label is ``best``, and how many ``epochs`` were needed of those that all
    runs have together."""

    scheduler: str
    metric: str
    grace_epochs: int
    reduction: int
    rungs: list[RungResult]
    best: str | None
    epochs: int
    epochs_of_all: int


def ladder(search: SearchResult) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return columns and rows of a table: a label a row, who got furthest first, with value and rank at each rung."""
    columns = ("run", *(f"after {rung.epoch}" for rung in search.rungs), "verdict")
    last = {place.label: (rung, place) for rung in search.rungs for place in rung.ranking}
    order = [place.label for rung in reversed(search.rungs) for place in rung.ranking]
    return columns, [
        (label, *(_cell(search, rung, label) for rung in search.rungs), _fate(search, last[label][1]))
        for label in dict.fromkeys(order)
    ]


def said(search: SearchResult) -> str:
    """Say in a sentence what was done."""
    rungs = ", ".join(str(rung.epoch) for rung in search.rungs[:-1])
    compared = f"after {rungs} of {search.rungs[-1].epoch} epochs" if rungs else "at the end alone"
    return (
        f"Search ({search.scheduler}): compared by {metrics.title(search.metric)} {compared}, about one of "
        f"{search.reduction} went on; {search.epochs:,} of {counted(search.epochs_of_all, 'epoch')} were needed."
    )


def heading(search: SearchResult) -> str:
    """Return what the figures of the table are."""
    return f"{metrics.column(search.metric)} and rank after so many epochs"


def _cell(search: SearchResult, rung: RungResult, label: str) -> str:
    for rank, place in enumerate(rung.ranking, start=1):
        if place.label == label:
            return "failed" if place.value is None else f"{metrics.cell(search.metric, place.value)} ({rank})"
    return ""


def _fate(search: SearchResult, place: RankedLabel) -> str:
    if place.label == search.best:
        return "best"
    return f"stopped: {place.why}" if place.verdict == "stopped" else place.verdict
