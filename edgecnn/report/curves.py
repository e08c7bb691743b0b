"""Learning curves of a run: loss and metrics by epoch, training and validation."""

from math import nan
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from edgecnn import documents, metrics
from edgecnn.errors import CheckpointError, DocumentError
from edgecnn.files import replacing
from edgecnn.train import EpochRow
from edgecnn.train.figures import LOSS, best_index
from edgecnn.train.run_folder import METRICS

TRAIN_COLOR, VALIDATION_COLOR = "#8a8f98", "#0b6bcb"


def read_rows(run: str | Path) -> list[EpochRow]:
    """Read a run's metrics.jsonl. Raises CheckpointError where it is broken."""
    path = Path(run) / METRICS
    try:
        return [documents.from_json(EpochRow, line, "a line") for line in path.read_bytes().splitlines()]
    except DocumentError as error:
        raise CheckpointError(
            f"{path}: broken ({error}) The run's next epoch writes it anew, from state.pt."
        ) from error


def draw_curves(run: str | Path) -> Path:
    """Draw ``curves.png`` into the run's folder."""
    rows = read_rows(run)
    panels = list(rows[-1].validation)
    figure = Figure(figsize=(3 * len(panels), 3.2), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels)), panels, strict=True):
        draw_panel(axes, rows, panel)
    target = Path(run) / "curves.png"
    with replacing(target) as partial:
        figure.savefig(partial, dpi=110)
    return target


def draw_panel(axes: Axes, rows: list[EpochRow], panel: str) -> None:
    """Draw one figure of both splits by epoch; the best epoch by the validation score is marked."""
    epochs = [row.epoch for row in rows]
    marker = "o" if len(rows) < 3 else None
    for split, color in (("train", TRAIN_COLOR), ("validation", VALIDATION_COLOR)):
        values = [getattr(row, split).get(panel, nan) for row in rows]
        axes.plot(epochs, values, color=color, label=split, marker=marker, linewidth=1.6)
    best = rows[best_index(rows)]
    axes.axvline(best.epoch, color=VALIDATION_COLOR, linewidth=0.8, linestyle=":", label="best epoch")
    name = metrics.title(panel)
    axes.set_title(name[0].upper() + name[1:])
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if panel == LOSS:
        axes.legend(frameon=False)
