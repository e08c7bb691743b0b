"""What this machine can do at best, on one thread: multiply matrices, and read memory. The roofline is made of these.

``python rates.py`` prints both as JSON; it is a process of its own, so that BLAS has one thread.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

SIZE = 512  # of the matrices: large enough for the full rate, and a product takes a few milliseconds
SECONDS = 1.0  # for each figure
WEIGHTS = tuple(2**power for power in range(16, 28))  # bytes: from the first cache to memory
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Rates:
    """``gflops`` of a product of float32 matrices, and how many GB a second a product of a float32 matrix with a vector
    reads of it, by its bytes: what a dense layer does with its weights."""

    gflops: float
    gb_per_s: list[tuple[int, float]]

    def read_s(self, size_bytes: int) -> float:
        """Return how long reading weights of that size takes at least, call after call."""
        known = self.gb_per_s
        rate = known[0][1] if size_bytes <= known[0][0] else known[-1][1]
        for (below, slow), (above, fast) in pairwise(known):
            if below < size_bytes <= above:
                share = (np.log(size_bytes) - np.log(below)) / (np.log(above) - np.log(below))
                rate = slow + share * (fast - slow)
        return float(size_bytes / rate / 1e9)

    def compute_s(self, macs: int) -> float:
        """Return how long so many multiply-adds take at least."""
        return 2 * macs / self.gflops / 1e9

    def bound_s(self, macs: int, weight_bytes: int) -> float:
        """Return the roof: no float32 network with these weights is faster by these two rates."""
        return max(self.compute_s(macs), self.read_s(weight_bytes))


def measured(seconds: float = SECONDS) -> Rates:
    """Measure in a process of its own."""
    found = subprocess.run(
        [sys.executable, __file__, str(seconds)], env={**os.environ, **ONE_THREAD}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    told = json.loads(found.stdout)
    return Rates(told["gflops"], [(int(size), float(rate)) for size, rate in told["gb_per_s"]])


def _measure(seconds: float, sizes: Sequence[int] = WEIGHTS) -> Rates:
    rng = np.random.default_rng(0)
    left, right = (rng.random((SIZE, SIZE), np.float32) for _ in range(2))
    out = np.empty((SIZE, SIZE), np.float32)
    gflops = 2 * SIZE**3 / _best_s(lambda: np.matmul(left, right, out=out), seconds) / 1e9
    return Rates(gflops, [(size, _read_rate(size, rng, seconds / 2)) for size in sizes])


def _read_rate(size_bytes: int, rng: np.random.Generator, seconds: float) -> float:
    columns = 256
    rows = size_bytes // 4 // columns
    matrix, vector, out = rng.random((rows, columns), np.float32), rng.random(columns, np.float32), np.empty(rows, "f4")
    return size_bytes / _best_s(lambda: np.matmul(matrix, vector, out=out), seconds) / 1e9


def _best_s(call: Callable[[], object], seconds: float) -> float:
    """Return the shortest that a call took within so many seconds: what the machine can do when it is left alone."""
    best, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        started = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - started)
    return best


if __name__ == "__main__":
    found = _measure(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
    print(json.dumps({"gflops": found.gflops, "gb_per_s": found.gb_per_s}))
