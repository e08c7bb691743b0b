"""Learning curves of a run: loss and metrics by epoch, training and validation."""

from math import nan
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from edgecnn import metrics
from edgecnn.files import replacing
from edgecnn.report import style
from edgecnn.train import EpochRow
from edgecnn.train.figures import LOSS, best_index
from edgecnn.train.run_folder import read_rows

TRAIN_COLOR, VALIDATION_COLOR = style.MUTED, style.MODEL
ACROSS = 3  # panels side by side


def draw_curves(run: str | Path) -> Path:
    """Draw ``curves.png`` into the run's folder."""
    target = Path(run) / "curves.png"
    rows = read_rows(run)
    with style.style(), replacing(target) as partial:
        partial.write_bytes(style.png(learning_curves(rows)))
    return target


def learning_curves(rows: list[EpochRow]) -> Figure:
    """Draw a panel for each figure of an epoch."""
    panels = list(rows[-1].validation)
    down = -(-len(panels) // ACROSS)
    picture = style.new(height=2.6 * down)
    cells = picture.subplots(down, min(ACROSS, len(panels)), squeeze=False).ravel()
    for axes, panel in zip(cells, panels, strict=False):
        draw_panel(axes, rows, panel)
    for axes in cells[len(panels) :]:
        axes.set_visible(False)
    return picture


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
    style.grid(axes)
    if panel == LOSS:
        axes.legend()
