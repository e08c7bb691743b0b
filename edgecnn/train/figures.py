"""The figures of a training: of a batch so far, of an epoch, of the whole run.

Figures of a split are a loss and metrics by name; the first metric is what training follows, the higher the better.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from edgecnn.data.survey import Survey
from edgecnn.documents import later

LOSS = "loss"


@dataclass(frozen=True)
class Progress:
    """Where an epoch stands. Loss and the value of the metric that training follows are of the epoch so far, on the
    training images."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    metric: str
    value: float
    images_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class EpochRow:
    """One line of metrics.jsonl. ``seconds`` are those from the start of the training. The training figures are running
    ones, of weights that still change."""

    epoch: int
    seconds: float
    images_per_second: float
    learning_rate: float
    train: dict[str, float]
    validation: dict[str, float]

    @property
    def metric(self) -> str:
        """The name of the metric that training follows."""
        return next(name for name in self.validation if name != LOSS)

    @property
    def score(self) -> float:
        """Its value on the validation split."""
        return self.validation[self.metric]

    @property
    def train_score(self) -> float:
        """Its value on the training images."""
        return self.train[self.metric]


@dataclass(frozen=True)
class Outcome:
    """A finished run, also in its folder as outcome.json. ``best`` is the epoch that is kept: the best by validation,
    or the last, as the recipe selects. ``seconds`` are those of training and validating: of the wall, or by ``clock``
    of the processor, by thread, for a training that was stopped in between. ``data`` is what a data set of the user's
    own has, ``remarks`` what else was said before the first batch; ``threads`` are those of each of ``processes``."""

    SCHEMA: ClassVar[int] = 1

    run: Path
    best: EpochRow
    last: EpochRow
    seconds: float
    parameters: int
    device: str
    processor: str
    threads: int
    precision: str
    train_images: int
    validation_images: int
    skipped: tuple[str, ...]
    data: Survey | None = None
    remarks: tuple[str, ...] = ()
    clock: str = field(default="wall", metadata=later(lambda found: "wall"))
    processes: int = field(default=1, metadata=later(lambda found: 1))


def best_index(rows: list[EpochRow]) -> int:
    """Return the epoch with the best validation score; among equals the one with the lowest validation loss."""
    return max(range(len(rows)), key=lambda index: (rows[index].score, -rows[index].validation[LOSS]))
