"""The picture of a study: how each run learned, and what each label reached beside what its source states."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from edgecnn import metrics
from edgecnn.files import replacing
from edgecnn.study.results import LabelResult, RunResult, StudyResult, mean_text, score_column
from edgecnn.text import picture_text
from edgecnn.train.run_folder import METRICS, read_rows

Color = tuple[float, float, float, float]

FEW = 10  # labels with a strong color each
SPREAD = 4.0  # from here on errors are drawn on a log axis: 99.1 and 99.4 % differ beside 11 %
LOG_SPAN = 10.0  # from here on the values of a setting are
ERROR_TICKS = (5e-4, 1e-3, 2e-3, 3e-3, 5e-3, 7e-3, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.9)


@dataclass(frozen=True)
class _Scale:
    """Scores on an axis: as they are, or by the logarithm of the error, so that up is still better. ``factor`` is 100
    for those that are shown in percent."""

    title: str
    factor: int
    logarithmic: bool
    least_error: float

    def position(self, score: float) -> float:
        """Return where a score is drawn."""
        return -math.log10(max(1 - score, self.least_error)) if self.logarithmic else self.factor * score

    def apply(self, axis: Axis, shown: tuple[float, float]) -> None:
        """Label the axis, with ticks where ``shown`` has room."""
        axis.set_label_text(f"validation {self.title}")
        if not self.logarithmic:
            return
        ticks = {self.position(1 - error): f"{self.factor * (1 - error):g}" for error in ERROR_TICKS}
        apart: list[float] = []
        for tick in sorted(tick for tick in ticks if shown[0] <= tick <= shown[1]):
            if not apart or tick - apart[-1] > 0.07 * (shown[1] - shown[0]):
                apart.append(tick)
        axis.set_major_locator(FixedLocator(apart))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda tick, _: ticks[min(ticks, key=lambda known: abs(known - tick))]))


def draw_study(result: StudyResult) -> Path:
    """Draw ``study.png`` into the study's folder."""
    labels = result.labels
    palette = colormaps["tab10" if len(labels) <= FEW else "turbo"]
    colors: dict[str, Color] = {
        label.label: palette(index if len(labels) <= FEW else index / (len(labels) - 1))
        for index, label in enumerate(labels)
    }
    figure = Figure(figsize=(13, max(4.5, 1.6 + 0.42 * len(labels))), layout="constrained")
    title = picture_text(result.description or result.study)
    figure.suptitle(f"{title} (quick size)" if result.quick else title, fontsize=12)
    curves, kept = figure.subplots(1, 2, width_ratios=(1.25, 1))
    scale = _scale(result)
    _draw_curves(curves, result.runs, colors, scale)
    values = _values(result.runs)
    if values is None:
        stopped = {run.label for run in result.runs if run.stopped}
        _draw_dots(kept, labels, colors, scale, stopped)
    else:
        _draw_over_value(kept, labels, values, colors, scale)
    with replacing(result.picture) as partial:
        figure.savefig(partial, dpi=110)
    return result.picture


def _scale(result: StudyResult) -> _Scale:
    """Draw errors by their logarithm where the labels' are far apart; never below half an image's."""
    found = [run.finished for run in result.runs if run.finished]
    least = min((0.5 / one.validation_images for one in found), default=0.001)
    errors = [1 - label.mean for label in result.labels if label.mean is not None]
    errors += [1 - label.stated / 100 for label in result.labels if label.stated is not None]
    return _Scale(
        title=score_column(result),
        factor=100 if set(result.metrics) <= set(metrics.PERCENTAGES) else 1,
        logarithmic=bool(errors) and max(errors) > SPREAD * max(min(errors), least),
        least_error=least,
    )


def _values(runs: Sequence[RunResult]) -> tuple[str, dict[str, float]] | None:
    """Return the one setting in which the runs differ with its number by label, or None where it is not like that."""
    keys = list(runs[0].settings)
    if len(keys) != 1 or len({run.label for run in runs}) < 3:
        return None
    found = {run.label: run.settings[keys[0]] for run in runs}
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in found.values()):
        return None
    return keys[0], {label: float(value) for label, value in found.items()}


def _draw_curves(axes: Axes, runs: Sequence[RunResult], colors: dict[str, Color], scale: _Scale) -> None:
    drawn: list[float] = []
    for run in runs:
        if not (run.run / METRICS).exists():
            continue
        rows = read_rows(run.run)
        heights = [scale.position(row.score) for row in rows]
        drawn += heights
        marker = "o" if len(rows) < 3 else None
        axes.plot(
            [row.epoch for row in rows], heights, color=colors[run.label], marker=marker, linewidth=1.5, markersize=4
        )
        if run.finished:
            best = rows[run.finished.best_epoch - 1]
            axes.plot(best.epoch, scale.position(best.score), "o", color=colors[run.label], markersize=5)
    if drawn:
        scale.apply(axes.yaxis, axes.get_ylim())
    axes.set_title("Learning curves (a dot: the kept epoch)", fontsize=10)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    handles = [Line2D([], [], color=color, label=picture_text(label)) for label, color in colors.items()]
    axes.legend(handles=handles, fontsize=8, framealpha=0.85, loc="best", ncols=1 if len(colors) <= FEW else 2)
    _plain(axes)


def _draw_dots(
    axes: Axes, labels: Sequence[LabelResult], colors: dict[str, Color], scale: _Scale, stopped: set[str]
) -> None:
    """Draw each label's score as a dot, with its deviation over the seeds; what is stated is hollow."""
    for height, label in enumerate(labels):
        _draw_point(label, colors[label.label], scale, lambda p, y=height: (p, y), axes)  # type: ignore[misc]
        missing = "stopped" if label.label in stopped else "failed"
        axes.annotate(
            mean_text(label) if label.mean is not None else missing,
            (1.01, height), xycoords=("axes fraction", "data"), va="center", fontsize=9,
        )  # fmt: skip
    axes.set_yticks(range(len(labels)), [picture_text(label.label) for label in labels], fontsize=9)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.margins(x=0.08)
    scale.apply(axes.xaxis, axes.get_xlim())
    _finish(axes, labels)


def _draw_over_value(
    axes: Axes,
    labels: Sequence[LabelResult],
    values: tuple[str, dict[str, float]],
    colors: dict[str, Color],
    scale: _Scale,
) -> None:
    """Draw each label's score over its value; a zero on a log axis stands half a decade below the least value."""
    key, by_label = values
    labels = [label for label in labels if label.mean is not None or label.stated is not None]
    by_label = {label.label: by_label[label.label] for label in labels}
    positive = [value for value in by_label.values() if value > 0]
    logarithmic = (
        min(by_label.values(), default=0) >= 0 and len(positive) > 1 and max(positive) >= LOG_SPAN * min(positive)
    )
    zero = min(positive) / math.sqrt(10) if logarithmic else 0.0
    places = {label: value if value or not logarithmic else zero for label, value in by_label.items()}
    means = {places[one.label]: scale.position(one.mean) for one in labels if one.mean is not None}
    axes.plot(*zip(*sorted(means.items()), strict=True) if means else ((), ()), color="#8a8f98", linewidth=1, zorder=1)
    for label in labels:
        _draw_point(label, colors[label.label], scale, lambda p, x=places[label.label]: (x, p), axes)  # type: ignore[misc]
    if logarithmic:
        axes.set_xscale("log")
    axes.set_xticks(list(places.values()), [f"{by_label[label]:g}" for label in places], rotation=30, fontsize=8)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.margins(y=0.1)
    scale.apply(axes.yaxis, axes.get_ylim())
    axes.set_xlabel(key)
    _finish(axes, labels)


def _draw_point(
    label: LabelResult, color: Color, scale: _Scale, at: Callable[[float], tuple[float, float]], axes: Axes
) -> None:
    """Draw one label; ``at`` turns the score's position into a point."""
    if label.stated is not None:
        axes.plot(*at(scale.position(label.stated / 100)), "o", markerfacecolor="none", color=color, markersize=10)
    if label.mean is None:
        return
    axes.plot(*at(scale.position(label.mean)), "o", color=color, markersize=6)
    if label.deviation:
        ends = [at(scale.position(label.mean + sign * label.deviation)) for sign in (-1, 1)]
        axes.plot(*zip(*ends, strict=True), color=color, linewidth=2, alpha=0.6)


def _finish(axes: Axes, labels: Sequence[LabelResult]) -> None:
    splits = sorted({label.stated_on for label in labels if label.stated is not None})
    stated = f"; hollow: stated, on {' or '.join(splits)}" if splits else ""
    axes.set_title(f"Kept epoch, on validation{stated}", fontsize=10)
    _plain(axes)


def _plain(axes: Axes) -> None:
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
