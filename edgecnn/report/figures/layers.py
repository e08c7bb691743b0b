"""The layer table: type, output, parameters, size, operations, and the measured share of the time."""

from edgecnn.insight import layers, times
from edgecnn.insight.times import Times
from edgecnn.report.figure import Figure, Numbers, Shown
from edgecnn.report.inside import table
from edgecnn.report.subject import Subject

TITLE = "Layer by layer"
PLACE = 60
TASKS = ()


def draw(subject: Subject) -> Figure:
    """Show every layer in order of computation."""
    rows = layers.table(subject.network)
    found = _times(subject)
    total = sum(row.parameters for row in rows)
    caption = (
        f"{len(rows)} layers with {total:,} parameters in the file. A layer is an operator with the norms and "
        "activations that are applied to its output alone; sizes and operations are for one image"
    )
    if found is not None:
        caption += f", and the time is that of the kernels, measured with {_threads(found.threads)}"
    if len(rows) > table.MOST:
        caption += ". The picture has those that compute most, the table has all"
    return Figure(
        caption=f"{caption}.",
        numbers=Numbers(
            ("layer", "type", "operators", "output", "parameters", "weight_bytes", "weight_type", "multiply_adds",
             "microseconds", "time_share"),
            [
                (row.index, row.title, " ".join(row.operators), table.shape_of(row), row.parameters, row.weight_bytes,
                 row.weight_type, row.macs, *_time(found, row.index))
                for row in rows
            ],
        ),
        command=f"{subject.source.command} --only layers",
        picture=table.draw(rows, found),
        alt=f"Bars of parameters, size, operations and time by layer: {_most(rows, found)}.",
        table=Shown(
            ("layer", "type", "output", "parameters", "MB", "multiply-adds", "time"),
            [
                (
                    str(row.index), row.title, table.shape_of(row), f"{row.parameters:,}",
                    f"{row.weight_bytes / 1e6:.4f}", "unknown" if row.macs is None else f"{row.macs:,}",
                    "" if found is None else f"{found.layers[row.index].share:.1%}",
                )
                for row in rows
            ],
            left=3,
        ),
        folded=True,
    )  # fmt: skip


def _times(subject: Subject) -> Times | None:
    """Measure the kernels with one image, unless nothing is to be timed."""
    if not subject.source.seconds:
        return None
    return times.measure(subject.network, subject.card.golden.images_nhwc[0], threads=1)


def _time(found: Times | None, index: int) -> tuple[float | None, float | None]:
    if found is None:
        return None, None
    return found.layers[index].microseconds, found.layers[index].share


def _threads(count: int) -> str:
    return f"{count} thread{'' if count == 1 else 's'}"


def _most(rows: list[layers.Row], found: Times | None) -> str:
    largest = max(rows, key=lambda row: row.parameters)
    said = f"layer {largest.index}, {largest.title}, has most parameters"
    if found is None:
        return said
    slowest = max(found.layers, key=lambda layer: layer.share)
    return f"{said}, and layer {slowest.index}, {rows[slowest.index].title}, takes {slowest.share:.0%} of the time"
