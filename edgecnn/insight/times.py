"""The measured share of the time that each layer takes, by ONNX Runtime's own profiler.

The runtime joins operators, reorders what they hold and names the results anew; each is counted with the layer whose
operator or value its name begins with, and what the runtime puts between, such as a change of layout, with the layer
before it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecnn import files
from edgecnn.insight.graph import QUANTIZERS, Layer, Network
from edgecnn.runtime.session import open_model
from edgecnn.saturation import PRODUCTS

WARM_UP, RUNS = 10, 60
KERNEL = "_kernel_time"
MADE = re.compile(r"(_nchwc|_bn|_nhwc|_quant|_token_\d+|_QuantizeLinear|_DequantizeLinear|_\d+_\d+)+$")
HEAVY = frozenset((*PRODUCTS, "FusedConv", "FusedGemm", "FusedMatMul"))


@dataclass(frozen=True)
class LayerTime:
    """One layer: what its kernels take of one image, and their share of the time of all kernels."""

    index: int
    microseconds: float
    share: float


@dataclass(frozen=True)
class Times:
    """All layers. The shares, and ``other_share`` of kernels that belong to none, sum to one. Profiling itself takes
    some of the time of small kernels, so shares say more than the microseconds."""

    layers: list[LayerTime]
    other_share: float
    runs: int
    provider: str
    threads: int


def measure(
    network: Network,
    image_hwc: NDArray[np.uint8],
    *,
    provider: str = "cpu",
    threads: int | None = None,
    runs: int = RUNS,
) -> Times:
    """Run one image many times with the profiler on; nothing of its files is left.

    Raises ModelError for a graph that does not run, ProviderError where the provider is not there.
    """
    with files.temporary_folder("profile") as folder:
        opened = open_model(
            network.model.SerializeToString(), provider=provider, thread_count=threads, profile=folder / "profile"
        )
        images = np.repeat(image_hwc[None], network.input.batch or 1, axis=0)
        fed = {network.input.name: network.input.of_pixels(images)}
        for _ in range(WARM_UP + runs):
            opened.run([network.output], fed)
        events = json.loads(Path(opened.session.end_profiling()).read_text(encoding="utf-8"))
    kernels = list(_kernels(events, runs))
    return _shared(network, kernels, runs, opened.provider, opened.threads)


@dataclass(frozen=True)
class _Kernel:
    """What one kernel takes of a run."""

    name: str
    operator: str
    microseconds: float


def _kernels(events: Sequence[Mapping[str, Any]], runs: int) -> Iterator[_Kernel]:
    """Yield the kernels in the order in which they first run. Of their times the middle half counts."""
    found: dict[str, list[float]] = {}
    operators: dict[str, str] = {}
    for event in events:
        name = str(event.get("name", ""))
        if event.get("cat") == "Node" and name.endswith(KERNEL):
            found.setdefault(name, []).append(float(event["dur"]))
            operators[name] = str(event["args"].get("op_name", ""))
    for name, times in found.items():
        a_run = max(1, len(times) // (WARM_UP + runs))  # two nodes may have one name
        kept = np.sort(times[WARM_UP * a_run :])
        middle = kept[len(kept) // 4 : -(len(kept) // 4) or None]
        yield _Kernel(name.removesuffix(KERNEL), operators[name], float(middle.mean()) * a_run)


def _shared(network: Network, kernels: list[_Kernel], runs: int, provider: str, threads: int) -> Times:
    spent = dict.fromkeys((layer.index for layer in network.layers), 0.0)
    other = 0.0
    for kernel, index in zip(kernels, _assigned(network, kernels), strict=True):
        if index is None:
            other += kernel.microseconds
        else:
            spent[index] += kernel.microseconds
    total = sum(spent.values()) + other or 1.0
    layers = [LayerTime(index, taken, taken / total) for index, taken in spent.items()]
    return Times(layers, other / total, runs, provider, threads)


def _assigned(network: Network, kernels: list[_Kernel]) -> list[int | None]:
    """Return the layer of each kernel."""
    known = _names(network)
    found = [known.get(kernel.name, known.get(MADE.sub("", kernel.name))) for kernel in kernels]
    heavy = {layer.index for layer in network.layers if layer.has_weights}
    # A convolution that was joined with an addition behind it has the name of that: it goes to the one left without.
    free = iter(sorted(heavy - {index for index, one in zip(found, kernels, strict=True) if one.operator in HEAVY}))
    before: int | None = None
    for place, kernel in enumerate(kernels):
        if kernel.operator in HEAVY and found[place] not in heavy:
            found[place] = next(free, found[place])
        if found[place] is None:
            found[place] = before
        before = found[place]
    return found


def _names(network: Network) -> dict[str, int]:
    """Return the layer of every operator and tensor by its name; a quantizer belongs to what it quantizes."""
    known: dict[str, int] = {}
    for layer in network.layers:
        known |= dict.fromkeys(layer.nodes, layer.index)
        known |= {name: layer.index for node in layer.nodes for name in network.nodes[node].output}
        known[layer.value.tensor] = layer.index
    for node in network.model.graph.node:
        if node.op_type in QUANTIZERS and node.input[0] in known:
            known |= dict.fromkeys((node.name, *node.output), known[node.input[0]])
    return known


def of_layer(times: Times, layer: Layer) -> LayerTime:
    """Return what a layer takes."""
    return times.layers[layer.index]
