"""One picture of the whole path: learning curves, confusion, latency of each form, and samples."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edgecnn.bench import BenchReport
from edgecnn.files import replacing
from edgecnn.report import style
from edgecnn.report.curves import VALIDATION_COLOR, draw_panel
from edgecnn.report.figures.confusion import draw_matrix
from edgecnn.runtime.classifier import Prediction
from edgecnn.text import picture_text
from edgecnn.train import EpochRow
from edgecnn.verify import Comparison
from edgecnn.verify.scores import Scores

COLORS = {"pytorch": style.REFERENCE, "fp32": style.MODEL}
QUANTIZED_COLOR = style.RIGHT

Sample = tuple[NDArray[np.uint8], str, Prediction]  # an image, its true label, what was said of it


def draw_summary(
    target: Path,
    *,
    title: str,
    rows: list[EpochRow],
    comparison: Comparison,
    timings: BenchReport,
    images_nhwc: NDArray[np.uint8],
    truth: list[str],
    predictions: list[Prediction],
) -> Path:
    """Draw the picture. ``images_nhwc``, ``truth`` and ``predictions`` are the samples to show."""
    with style.style(), replacing(target) as partial:
        figure = _summary(title, rows, comparison, timings, zip(images_nhwc, truth, predictions, strict=True))
        partial.write_bytes(style.png(figure))
    return target


def _summary(
    title: str, rows: list[EpochRow], comparison: Comparison, timings: BenchReport, samples: Iterable[Sample]
) -> Figure:
    figure = Figure(figsize=(13, 7), layout="constrained")
    figure.suptitle(picture_text(title), fontsize=14)
    grid = figure.add_gridspec(2, 1, height_ratios=(1.45, 1))
    top, bottom = figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])
    curve, confusion, latency = top.subplots(1, 3)
    draw_panel(curve, rows, rows[-1].metric)
    curve.legend(frameon=False, loc="lower right")
    draw_confusion(confusion, comparison.candidate)
    _draw_latency(latency, timings)
    shown = list(samples)
    cells = bottom.subplots(1, len(shown), squeeze=False)[0]
    for axes, sample in zip(cells, shown, strict=True):
        _draw_sample(axes, *sample)
    return figure


def draw_confusion(axes: Axes, scores: Scores) -> None:
    """Draw counts by true (rows) and predicted (columns) class; the shade is the share of the true class."""
    draw_matrix(axes, np.array(scores.confusion), [entry.label for entry in scores.classes])
    axes.set_title(f"Test accuracy {scores.accuracy:.2%} ({scores.form})")


def _draw_latency(axes: Axes, report: BenchReport) -> None:
    timings = [timing for timing in report.contenders if timing.batch == 1]
    kinds = ["pytorch" if timing.provider.startswith("PyTorch") else timing.form for timing in timings]
    values_us = [timing.p50_ms * 1e3 for timing in timings]
    colors = [COLORS.get(kind, QUANTIZED_COLOR) for kind in kinds]
    bars = axes.barh(range(len(kinds)), values_us, color=colors, height=0.6)
    axes.bar_label(bars, [f"{value:.0f} µs" for value in values_us], padding=4)
    axes.set_yticks(range(len(kinds)), kinds)
    axes.invert_yaxis()
    axes.set_xlim(0, max(values_us) * 1.25)
    axes.set_title(f"Latency p50, batch 1, {timings[0].threads} threads")
    axes.set_xlabel(report.environment.processor)


def _draw_sample(axes: Axes, image_hwc: NDArray[np.uint8], label: str, prediction: Prediction) -> None:
    axes.imshow(image_hwc.squeeze(), cmap="gray", vmin=0, vmax=255)
    color = VALIDATION_COLOR if prediction.label == label else style.WRONG
    axes.set_title(f"{picture_text(prediction.label)}\n{prediction.probability:.1%}", color=color, fontsize=11)
    axes.set_xlabel(f"true: {picture_text(label)}")
    axes.set_xticks([])
    axes.set_yticks([])
