"""Metrics of every epoch as TensorBoard events, in the run's ``tensorboard`` folder."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from edgecnn.errors import missing_package
from edgecnn.train.figures import EpochRow


@contextlib.contextmanager
def event_log(run: Path) -> Iterator[Callable[[EpochRow], None]]:
    """Yield a function that writes one epoch's figures. Raises MissingPackageError."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError:
        raise missing_package("tensorboard") from None
    writers: list[SummaryWriter] = []

    def log(row: EpochRow) -> None:
        if not writers:  # only now is the run's folder claimed
            writers.append(SummaryWriter(str(run / "tensorboard")))
        for split, figures in (("train", row.train), ("validation", row.validation)):
            for name, value in figures.items():
                writers[0].add_scalar(f"{name}/{split}", value, row.epoch)

    try:
        yield log
    finally:
        for writer in writers:
            writer.close()
