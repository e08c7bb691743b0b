"""Weights and biases by layer as histograms: float, and int8 with its scales."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgecnn.insight import weights
from edgecnn.insight.weights import Weights
from edgecnn.report.figure import Cell, Figure, Missing, Numbers
from edgecnn.report.inside import histograms
from edgecnn.report.subject import Subject

TITLE = "Weights and biases"
PLACE = 64
TASKS = ()


def draw(subject: Subject) -> Figure | Missing:
    """Draw the weights of every layer, over those of the float32 file where there is one."""
    found = weights.weights(subject.network)
    if not found:
        return Missing("No layer has weights.")
    other = [] if subject.reference_network is None else weights.weights(subject.reference_network)
    integers = [layer for layer in found if layer.scale_o is not None]
    caption = "How often each value occurs, from the least to the largest: weights at the left, biases beside them."
    if integers:
        caption += (
            f" Blue are the {len(integers)} layers that the file keeps as integers, with the step between two of them, "
            "by channel where there are several."
        )
    caption += f" The line is {subject.source.reference}." if other else ""
    return Figure(
        caption=caption,
        numbers=Numbers(
            ("file", "layer", "tensor", "part", "stored", "step_from", "step_to", "from", "to", "count"),
            [row for name, own in ((subject.source.model, found), (subject.source.reference or "", other))
             for layer in own for row in _counts(name, layer)],
        ),
        command=f"{subject.source.command} --only weights",
        picture=histograms.draw(found, other),
        alt=f"Histograms of the weights and biases of {len(found)} layers.",
    )  # fmt: skip


def _counts(file: str, layer: Weights) -> Iterator[tuple[Cell, ...]]:
    """Yield the bins of a layer, over its own range."""
    steps = (None, None) if layer.scale_o is None else (float(layer.scale_o.min()), float(layer.scale_o.max()))
    parts: list[tuple[str, NDArray[np.float32] | None]] = [("weights", layer.weights_o), ("biases", layer.biases_o)]
    for part, values in parts:
        if values is not None:
            found = histograms.counts(values, histograms.bound_of(values))
            for low, high, count in zip(found.edges, found.edges[1:], found.counts_b, strict=False):
                yield file, layer.index, layer.name, part, layer.stored, *steps, float(low), float(high), int(count)
