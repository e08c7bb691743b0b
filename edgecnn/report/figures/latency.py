"""Latency: how long single calls take, and how many images a second come of larger batches and more threads."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

from edgecnn.bench import BenchReport
from edgecnn.report import style
from edgecnn.report.figure import Figure, Numbers, Shown
from edgecnn.report.page_html import milliseconds
from edgecnn.report.subject import Subject

TITLE = "Latency"
PLACE = 80
TASKS = ()
ROLES = {1: ("model",), 2: ("reference", "model")}
COLORS = {"model": style.MODEL, "reference": style.REFERENCE}


def draw(subject: Subject) -> Figure:
    """Draw the distribution of single calls, and throughput by batch for each number of threads."""
    report, roles = subject.timings, ROLES[len(subject.models)]
    by_path = dict(zip(map(str, subject.models), roles, strict=True))
    picture = style.new(height=3.4)
    single, many = picture.subplots(1, 2)
    for role, calls_ms in zip(roles, subject.calls_ms, strict=True):
        shares = np.arange(1, len(calls_ms) + 1) / len(calls_ms)
        single.plot(np.sort(calls_ms), 100 * shares, color=COLORS[role], label=role)
    single.set_xscale("log")
    single.set_xlim(*limits(subject.calls_ms))
    single.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    single.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    single.xaxis.set_minor_locator(NullLocator())
    single.set_xlabel("ms for one image")
    single.set_ylabel("% of the calls took no longer")
    _draw_throughput(many, report, by_path)
    for axes in (single, many):
        style.grid(axes)
    single.legend(loc="best")
    rows = [
        (by_path[t.model], t.threads, t.batch, t.p50_ms, t.p90_ms, t.p99_ms, t.images_per_second)
        for t in report.contenders
    ]
    busy = report.environment.warning
    doubt = f" {busy[0].upper()}{busy[1:]}." if busy else ""
    return Figure(
        caption=(
            f"On {report.environment.processor}, {report.environment.system}. Left: single images, with all threads. "
            f"Right: images per second by batch size.{doubt}"
        ),
        numbers=Numbers(("model", "threads", "batch", "p50_ms", "p90_ms", "p99_ms", "images_per_second"), rows),
        command=f"edgecnn bench {' '.join(map(str, subject.models))}",
        picture=picture,
        alt="Left, the distribution of latencies; right, throughput by batch size and number of threads.",
        table=Shown(
            ("model", "threads", "batch", "median", "p90", "p99", "images/s"),
            [
                (role, str(n), str(b), *map(milliseconds, (p50, p90, p99)), f"{ips:,.0f}")
                for role, n, b, p50, p90, p99, ips in rows
            ],
        ),
    )


def limits(calls_ms: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """Return from where to where calls are drawn: all but one in a thousand at either end, and a factor of two."""
    low, high = (float(np.percentile(np.concatenate(calls_ms), share)) for share in (0.1, 99.9))
    return low / 1.4, max(high * 1.1, low * 2)


def _draw_throughput(axes: Axes, report: BenchReport, by_path: dict[str, str]) -> None:
    counts = sorted({timing.threads for timing in report.contenders})
    for path, role in by_path.items():
        for count, line in zip(counts, ("o-", "s--"), strict=False):
            own = [timing for timing in report.contenders if timing.model == path and timing.threads == count]
            batches, speeds = [t.batch for t in own], [t.images_per_second for t in own]
            name = f"{role}, {count} thread{'s' if count > 1 else ''}"
            axes.plot(batches, speeds, line, markersize=4, color=COLORS[role], label=name)
    axes.set_xscale("log", base=2)
    axes.set_xticks(batches, [str(batch) for batch in batches])
    axes.set_ylim(0)
    axes.set_xlabel("images a call")
    axes.set_ylabel("images/s")
    axes.legend(fontsize=8)
