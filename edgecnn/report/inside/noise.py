"""Signal to noise by layer: where a quantized file loses signal."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from edgecnn.insight.noise import LayerNoise
from edgecnn.report.inside import ink

WIDTH, ROW = ink.WIDTH, 0.22  # inches
LABELS, PLOT = 0.34, 0.38  # of the width
MARKED = 3.0  # decibels that a layer has to lose to be marked: half of the power
WORST = 3  # layers that are marked at most


def marked(rows: Sequence[LayerNoise]) -> list[LayerNoise]:
    """Return the layers that lose most, the first the most."""
    falls = [row for row in rows if row.fall_db is not None and row.fall_db >= MARKED]
    return sorted(falls, key=lambda row: -(row.fall_db or 0))[:WORST]


def draw(rows: Sequence[LayerNoise]) -> Figure:
    """Draw a dot for each layer, in order of computation from above, at its ratio in decibels."""
    known = [row for row in rows if row.snr_db is not None]
    figure = ink.figure(WIDTH, ROW * (len(known) + 2.2))
    axes = ink.quiet(figure.add_axes((LABELS, 1.9 / (len(known) + 2.2), PLOT, len(known) / (len(known) + 2.2))))
    worst = {row.index for row in marked(rows)}
    places = range(len(known))
    values = [row.snr_db or 0.0 for row in known]
    colors = [ink.WARNING if row.index in worst else ink.CANDIDATE for row in known]
    axes.plot(values, places, color=ink.REFERENCE, linewidth=0.8, zorder=1)
    axes.scatter(values, places, c=colors, s=22, zorder=2)
    axes.set_ylim(len(known) - 0.5, -0.5)
    axes.set_xlim(min(0.0, *values), max(values) * 1.05)
    axes.set_yticks(places, [f"{row.title}  {row.index}" for row in known])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("signal to noise, dB (20 dB: an error of a tenth)", fontsize=ink.SMALL, color=ink.INK)
    axes.grid(axis="x", color=ink.INK, alpha=0.18, linewidth=0.5)
    for place, row in zip(places, known, strict=True):
        color = ink.WARNING if row.index in worst else ink.INK
        axes.text(
            1.02, place, _said(row, row.index in worst), fontsize=ink.SMALL, color=color, va="center",
            transform=axes.get_yaxis_transform(),
        )  # fmt: skip
    return figure


def _said(row: LayerNoise, is_worst: bool) -> str:
    parts = [f"{row.snr_db:.0f}"]
    if is_worst:
        parts.append(f"falls by {row.fall_db:.0f} dB")
    if row.saturated >= 0.0005:
        parts.append(f"{row.saturated:.1%} beyond the range")
    return ", ".join(parts)
