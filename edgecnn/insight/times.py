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

Typed = tuple[str, tuple[int, ...]]  # the type of a value in the runtime's word, and its shape


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
        profile = profiled(network, image_hwc, folder, provider=provider, threads=threads, runs=runs)
    return _shared(network, profile.kernels, runs, profile.provider, profile.threads)


@dataclass(frozen=True)
class Kernel:
    """What one kernel takes of a run, and the types and shapes of what it really took and gave."""

    name: str
    operator: str
    microseconds: float
    taken: tuple[Typed, ...] = ()
    given: tuple[Typed, ...] = ()


@dataclass(frozen=True)
class Profile:
    """The kernels of a session in the order in which they first ran. ``exact_int8`` is what an OpenModel says."""

    kernels: list[Kernel]
    provider: str
    threads: int
    exact_int8: bool


def profiled(
    network: Network,
    image_hwc: NDArray[np.uint8],
    folder: Path,
    *,
    provider: str = "cpu",
    threads: int | None = None,
    runs: int = RUNS,
    warm_up: int = WARM_UP,
    optimized: Path | None = None,
) -> Profile:
    """Run one image many times in a session whose profile is written into ``folder``, and to ``optimized`` the graph
    that it runs, with its names. Raises what ``measure`` raises."""
    opened = open_model(
        network.model.SerializeToString(),
        provider=provider,
        thread_count=threads,
        profile=folder / "profile",
        optimized=optimized,
    )
    fed = fed_with(network, image_hwc)
    for _ in range(warm_up + runs):
        opened.run([network.output], fed)
    events = json.loads(Path(opened.session.end_profiling()).read_text(encoding="utf-8"))
    return Profile(list(_kernels(events, runs, warm_up)), opened.provider, opened.threads, opened.exact_int8)


def fed_with(network: Network, image_hwc: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """Return what a session of a network takes for one image, or for as many of it as the graph is fixed to."""
    images = np.repeat(image_hwc[None], network.input.batch or 1, axis=0)
    return {network.input.name: network.input.of_pixels(images)}


def _kernels(events: Sequence[Mapping[str, Any]], runs: int, warm_up: int) -> Iterator[Kernel]:
    """Yield the kernels in the order in which they first run. Of their times the middle half counts."""
    found: dict[str, list[float]] = {}
    said: dict[str, Mapping[str, Any]] = {}
    for event in events:
        name = str(event.get("name", ""))
        if event.get("cat") == "Node" and name.endswith(KERNEL):
            found.setdefault(name, []).append(float(event["dur"]))
            said[name] = event["args"]
    for name, times in found.items():
        a_run = max(1, len(times) // (warm_up + runs))  # two nodes may have one name
        kept = np.sort(times[warm_up * a_run :])
        middle = kept[len(kept) // 4 : -(len(kept) // 4) or None]
        taken, given = (_typed(said[name].get(f"{side}_type_shape", [])) for side in ("input", "output"))
        operator = str(said[name].get("op_name", ""))
        yield Kernel(name.removesuffix(KERNEL), operator, float(middle.mean()) * a_run, taken, given)


def _typed(entries: Sequence[Mapping[str, Sequence[int]]]) -> tuple[Typed, ...]:
    return tuple((kind, tuple(shape)) for entry in entries for kind, shape in entry.items())


def _shared(network: Network, kernels: Sequence[Kernel], runs: int, provider: str, threads: int) -> Times:
    spent = dict.fromkeys((layer.index for layer in network.layers), 0.0)
    other = 0.0
    for kernel, index in zip(kernels, assigned(network, kernels), strict=True):
        if index is None:
            other += kernel.microseconds
        else:
            spent[index] += kernel.microseconds
    total = sum(spent.values()) + other or 1.0
    layers = [LayerTime(index, taken, taken / total) for index, taken in spent.items()]
    return Times(layers, other / total, runs, provider, threads)


def assigned(network: Network, kernels: Sequence[Kernel]) -> list[int | None]:
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
