"""The picture of a search over forms and settings: latency against score, size and memory, with what no other beats."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from edgecnn import metrics
from edgecnn.report import style
from edgecnn.text import picture_text
from edgecnn.tune.figures import Tuned, Variant


def draw(found: Tuned) -> Figure:
    """Draw the variants of a search, a panel for each of score, size and memory."""
    scale = 1.0 if found.metric == "f1" else 100.0
    title = metrics.title(found.metric) + ("" if scale == 1 else ", %")
    panels: list[tuple[str, Callable[[Variant], float]]] = [
        (f"{title} (validation)", lambda one: scale * one.validation_score),
        ("size in kB", lambda one: one.size_bytes / 1e3),
        ("memory in MB", lambda one: one.peak_bytes / 1e6),
    ]
    forms = list(dict.fromkeys(one.form for one in found.variants))
    colors = {form: style.CYCLE[index % len(style.CYCLE)] for index, form in enumerate(forms)}
    picture = style.new(height=3.6)
    for axes, (name, upward) in zip(picture.subplots(1, len(panels)), panels, strict=True):
        _draw(axes, found.variants, upward, colors)
        _mark(axes, found.preferred, upward(found.preferred))
        axes.set_xlabel("latency over the parent's")
        axes.set_title(name, fontsize=9)
        style.grid(axes)
    _explain(picture, colors)
    return style.laid_out(picture)


def _draw(axes: Axes, variants: Sequence[Variant], upward: Callable[[Variant], float], colors: dict[str, str]) -> None:
    for one in variants:
        low, high = one.latency_ratio_ci95
        color = colors[one.form]
        axes.plot((low, high), (upward(one),) * 2, color=color, linewidth=0.9, alpha=0.6)
        inside = color if one.on_front else "none"
        axes.plot(one.latency_ratio, upward(one), "o" if one.spinning else "s", color=color, markerfacecolor=inside)
        axes.annotate(str(one.threads), (one.latency_ratio, upward(one)), (0, 6), textcoords="offset points",
                      ha="center", fontsize=6, color=style.MUTED)  # fmt: skip
    axes.margins(0.12)


def _mark(axes: Axes, one: Variant, height: float) -> None:
    axes.plot(one.latency_ratio, height, "o", markersize=13, markerfacecolor="none", color=style.MUTED)


def _explain(picture: Figure, colors: dict[str, str]) -> None:
    """Say what colors and marks are."""
    shown = {picture_text(form): Line2D([], [], color=color, linewidth=3) for form, color in colors.items()}
    shown["on the front"] = Line2D([], [], color=style.MUTED, marker="o", linestyle="none")
    shown["beaten"] = Line2D([], [], color=style.MUTED, marker="o", markerfacecolor="none", linestyle="none")
    shown["threads sleep"] = Line2D([], [], color=style.MUTED, marker="s", markerfacecolor="none", linestyle="none")
    shown["preferred"] = Line2D(
        [], [], color=style.MUTED, marker="o", markersize=11, markerfacecolor="none", linestyle="none"
    )
    picture.legend(list(shown.values()), list(shown), loc="outside upper center", ncols=4, fontsize=8)
