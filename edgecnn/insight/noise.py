"""Where a quantized file loses signal: its values against those of the float32 file, layer by layer.

The ratio of signal to noise is that of powers, in decibels: 20 dB are an error of a tenth of the signal, 0 dB one as
large as the signal. What a layer receives is wrong already, so that it adds is in the fall from the layer before.
"""

import difflib
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgecnn.errors import ModelError
from edgecnn.insight.activations import Probe
from edgecnn.insight.graph import Layer, Network

Progress = Callable[[int, int], None]
LEAST_MATCHED = 0.5  # of the layers of the candidate: with fewer, names are not what the two have in common


@dataclass(frozen=True)
class LayerNoise:
    """One layer of both files. ``snr_db`` is None where both agree to the last bit, or where there is no signal.

    ``fall_db`` is how much lower it is than before the layer, None where that is not known; ``saturated`` is the share
    of the reference's values that lie outside what the candidate's integers can stand for.
    """

    index: int
    title: str
    name: str
    candidate: str
    snr_db: float | None
    fall_db: float | None
    saturated: float
    integers: bool


def matched(reference: Network, candidate: Network) -> list[tuple[Layer, Layer]]:
    """Return the layers that hand on the same value in both, by the value's name; where the names have little in
    common, by kind and order."""
    ours = {layer.name: layer for layer in reference.layers}
    pairs = [(ours[layer.name], layer) for layer in candidate.layers if layer.name in ours]
    if len(pairs) < LEAST_MATCHED * len(candidate.layers):
        first, second = ([layer.title.partition(" + ")[0] for layer in one.layers] for one in (reference, candidate))
        blocks = difflib.SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
        places = [(block.a + k, block.b + k) for block in blocks for k in range(block.size)]
        pairs = [(reference.layers[a], candidate.layers[b]) for a, b in places]
    return [(one, other) for one, other in pairs if not other.is_layout]


def measure(
    reference: Network,
    candidate: Network,
    images_nhwc: NDArray[np.uint8],
    *,
    only: Collection[str] | None = None,
    progress: Progress = lambda done, of: None,
) -> list[LayerNoise]:
    """Compare two files of one network on images, at all layers, or at those that hand on the values named.

    Raises ModelError for two that have nothing in common.
    """
    if reference.input.image_shape != candidate.input.image_shape:
        raise ModelError(
            f"{reference.name} takes images of {_sides(reference)}, {candidate.name} of {_sides(candidate)}; expected "
            "two files of one network."
        )
    pairs = [pair for pair in matched(reference, candidate) if only is None or pair[0].name in only]
    if not pairs:
        raise ModelError(
            f"{candidate.name} has no layer that {reference.name} has too; expected two files of one network."
        )
    sums = [_Sums() for _ in pairs]
    probes = [Probe(reference, [a.value for a, _ in pairs]), Probe(candidate, [b.value for _, b in pairs])]
    batch = min(probe.batch for probe in probes)
    for start in range(0, len(images_nhwc), batch):
        part = images_nhwc[start : start + batch]
        ours, theirs = (probe.of(part) for probe in probes)
        for (first, second), total in zip(pairs, sums, strict=True):
            total.add(ours[first.name], theirs[second.name], second)
        progress(min(start + batch, len(images_nhwc)), len(images_nhwc))
    return _rows(pairs, sums, candidate)


class _Sums:
    """Powers of the signal and of the noise so far, and how many values there were and lay outside the range."""

    def __init__(self) -> None:
        self.signal = self.noise = 0.0
        self.values = self.outside = 0
        self.fits = True

    def add(self, reference: NDArray[np.float32], candidate: NDArray[np.float32], layer: Layer) -> None:
        if reference.shape != candidate.shape:
            self.fits = False
            return
        signal, noise = reference.astype(np.float64).ravel(), (reference - candidate).astype(np.float64).ravel()
        self.signal += float(signal @ signal)
        self.noise += float(noise @ noise)
        self.values += reference.size
        if layer.value.scaling is not None:
            low, high = layer.value.scaling.limits
            step = float(np.max(layer.value.scaling.scale))
            self.outside += int(((reference < low - step / 2) | (reference > high + step / 2)).sum())

    @property
    def snr_db(self) -> float | None:
        return 10 * math.log10(self.signal / self.noise) if self.signal > 0 and self.noise > 0 else None


def _rows(pairs: list[tuple[Layer, Layer]], sums: list[_Sums], candidate: Network) -> list[LayerNoise]:
    moves = {layer.value.tensor: layer.source.tensor for layer in candidate.layers if layer.is_layout}
    known: dict[str, float] = {}
    rows = []
    for (first, second), total in zip(pairs, sums, strict=True):
        if not total.fits:
            continue
        source = second.source.tensor
        while source in moves:
            source = moves[source]
        own, before = total.snr_db, known.get(source)
        if own is not None:
            known[second.value.tensor] = own
        rows.append(
            LayerNoise(
                index=first.index,
                title=first.title,
                name=first.name,
                candidate=second.name,
                snr_db=own,
                fall_db=before - own if before is not None and own is not None else None,
                saturated=total.outside / max(1, total.values),
                integers=second.value.scaling is not None,
            )
        )
    return rows


def _sides(network: Network) -> str:
    return "x".join(map(str, network.input.image_shape))
