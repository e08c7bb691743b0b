"""How long kernels and calls take: rounds in which the file and its reference take turns, each in a session of its own.

The profiler costs some microseconds a kernel, so calls are timed without it, in another session.
"""

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgecnn import files
from edgecnn.audit.ran import Ran, joined, ran
from edgecnn.errors import Int8Warning
from edgecnn.insight import times
from edgecnn.insight.graph import Network
from edgecnn.runtime import providers
from edgecnn.runtime.session import CPU, open_model

ROUNDS, WARM_UP = 5, 3
LEAST_RUNS, MOST_RUNS = 3, 200


@dataclass(frozen=True)
class Measured:
    """One file: its kernels, and the time of a quick call of each round, with all threads and with one where that is
    less."""

    ran: Ran
    calls_us: list[float]
    one_thread_us: list[float] | None


def measure(
    networks: Sequence[Network],
    image_hwc: NDArray[np.uint8],
    *,
    provider: str,
    threads: int | None,
    seconds: float,
    say: Callable[[str], None],
) -> list[Measured]:
    """Measure files of one network in turns, for about so many seconds each. Raises ModelError and ProviderError, which
    name the file."""
    for network in networks:
        open_model(network.path, provider=provider, thread_count=threads)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Int8Warning)  # it was said just now, once
        return _in_turns(networks, image_hwc, provider, threads, seconds, say)


def _in_turns(
    networks: Sequence[Network],
    image_hwc: NDArray[np.uint8],
    provider: str,
    threads: int | None,
    seconds: float,
    say: Callable[[str], None],
) -> list[Measured]:
    part = seconds / ROUNDS / 2
    rans: list[list[Ran]] = [[] for _ in networks]
    calls: list[list[float]] = [[] for _ in networks]
    alone: list[list[float]] = [[] for _ in networks]
    for number in range(ROUNDS):
        for place, network in enumerate(networks):
            say(f"round {number + 1} of {ROUNDS}: {network.name}")
            taken = _call_us(network, image_hwc, provider, threads, part)
            calls[place].append(taken)
            rans[place].append(_profiled(network, image_hwc, provider, threads, _runs(part, taken)))
            if rans[place][0].threads > 1:
                alone[place].append(_call_us(network, image_hwc, provider, 1, part))
    return [Measured(joined(found), us, single or None) for found, us, single in zip(rans, calls, alone, strict=True)]


def _runs(seconds: float, call_us: float) -> int:
    return max(LEAST_RUNS, min(MOST_RUNS, round(seconds * 1e6 / max(call_us, 1.0))))


def _profiled(network: Network, image_hwc: NDArray[np.uint8], provider: str, threads: int | None, runs: int) -> Ran:
    with files.temporary_folder("audit") as folder:
        on_cpu = providers.get(provider).ORT_NAME == CPU  # others compile parts, which no file can hold
        optimized = folder / "optimized.onnx"
        profile = times.profiled(
            network,
            image_hwc,
            folder,
            provider=provider,
            threads=threads,
            runs=runs,
            warm_up=WARM_UP,
            optimized=optimized if on_cpu else None,
        )
        return ran(network, profile, optimized)


def _call_us(
    network: Network, image_hwc: NDArray[np.uint8], provider: str, threads: int | None, seconds: float
) -> float:
    """Return the time that nine of ten calls in a fresh session take at least: the machine only adds."""
    opened = open_model(network.model.SerializeToString(), provider=provider, thread_count=threads)
    fed, wanted = times.fed_with(network, image_hwc), [network.output]
    for _ in range(WARM_UP):
        opened.run(wanted, fed)
    found: list[float] = []
    end = time.perf_counter() + seconds
    while len(found) < LEAST_RUNS or time.perf_counter() < end:
        started = time.perf_counter()
        opened.run(wanted, fed)
        found.append((time.perf_counter() - started) * 1e6)
    return float(np.quantile(found, 0.1))
