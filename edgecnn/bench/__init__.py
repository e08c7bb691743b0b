"""Measure latency, throughput, cold start and memory, and say what the figures do and do not show."""

from typing import TYPE_CHECKING

from edgecnn import lazy

if TYPE_CHECKING:
    from edgecnn.bench.figures import BenchReport
    from edgecnn.bench.load import Load
    from edgecnn.bench.measure import bench, compare_latency

__all__ = ["BenchReport", "Load", "bench", "compare_latency"]

lazy.stage(
    __name__,
    {
        "BenchReport": "figures",
        "Load": "load",
        "bench": "measure",
        "compare_latency": "measure",
    },
)
