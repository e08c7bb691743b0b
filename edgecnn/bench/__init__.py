"""Measure latency, throughput, cold start and memory, and say what the figures do and do not show."""

from edgecnn.bench.measure import BenchReport, bench, compare_latency

__all__ = ["BenchReport", "bench", "compare_latency"]
