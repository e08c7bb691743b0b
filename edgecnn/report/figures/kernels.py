"""The kernels of each convolution."""

from collections.abc import Iterator

import numpy as np

from edgecnn.insight import weights
from edgecnn.insight.weights import Weights
from edgecnn.report.figure import Cell, Figure, Missing, Numbers
from edgecnn.report.inside import kernels
from edgecnn.report.subject import Subject

TITLE = "What the convolutions look for"
PLACE = 62
TASKS = ()


def draw(subject: Subject) -> Figure | Missing:
    """Draw the largest kernels of each convolution."""
    found = [layer for layer in weights.weights(subject.network) if layer.is_convolution]
    if not found:
        return Missing("No layer is a convolution.")
    folded = sum(layer.folded for layer in found)
    stored = {layer.stored for layer in found if layer.scale_o is not None}
    caption = (
        "Kernels, the largest by norm first: blue is negative, red positive, white nothing. A kernel of three input "
        "channels on the image is shown in its colors; of deeper layers, single slices are."
    )
    caption += f" The integers ({', '.join(sorted(stored))}) are shown as what they stand for." if stored else ""
    if folded:
        caption += f" In {folded} of {len(found)} layers a norm is folded in, so these are not the trained weights."
    return Figure(
        caption=caption,
        numbers=Numbers(
            ("layer", "tensor", "filter", "channel", "row", "column", "value"),
            [row for layer in found for row in _values(layer, kernels.most_of(len(found)))],
        ),
        command=f"{subject.source.command} --only kernels",
        picture=kernels.draw(found),
        alt=f"The kernels of {len(found)} convolutions, from {found[0].title} to {found[-1].title}.",
    )


def _values(layer: Weights, most: int) -> Iterator[tuple[Cell, ...]]:
    """Yield every number that is shown of a layer."""
    if kernels.is_matrix(layer):
        filters, channels = kernels.of_matrix(layer)
        shown = [(int(place), int(channel)) for place in filters for channel in channels]
    else:
        every = range(layer.weights_o.shape[1])
        chosen = kernels.chosen(layer, most)
        shown = [(place, one) for place, channel in chosen for one in (every if channel is None else [channel])]
    for place, one in shown:
        for (row, column), value in np.ndenumerate(layer.weights_o[place, one]):
            yield layer.index, layer.name, place, one, row, column, float(value)
