"""Counters and histograms in Prometheus' text format, version 0.0.4: what one process of one service needs.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from itertools import accumulate

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Counter:
    """A number that only grows, for each value of one label."""

    def __init__(self, name: str, description: str, label: str) -> None:
        self.name, self.description, self.label = name, description, label
        self._values: Tally[str] = Tally()

    def add(self, value: str) -> None:
        self._values[value] += 1

    def lines(self) -> Iterator[str]:
        yield f"# HELP {self.name} {self.description}"
        yield f"# TYPE {self.name} counter"
        for value, count in sorted(self._values.items()):
            yield f'{self.name}{{{self.label}="{_escaped(value)}"}} {count}'


class Gauge:
    """A number that goes up and down."""

    def __init__(self, name: str, description: str) -> None:
        self.name, self.description = name, description
        self.value = 0

    def lines(self) -> Iterator[str]:
        yield f"# HELP {self.name} {self.description}"
        yield f"# TYPE {self.name} gauge"
        yield f"{self.name} {self.value}"


class Histogram:
    """How many values were at most each of ``bounds``, how many there were, and their sum."""

    def __init__(self, name: str, description: str, bounds: Sequence[float]) -> None:
        self.name, self.description, self._bounds = name, description, bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self) -> Iterator[str]:
        counts = list(self._counts)  # the model's thread may count meanwhile
        yield f"# HELP {self.name} {self.description}"
        yield f"# TYPE {self.name} histogram"
        for bound, count in zip([*map("{:g}".format, self._bounds), "+Inf"], accumulate(counts), strict=True):
            yield f'{self.name}_bucket{{le="{bound}"}} {count}'
        yield f"{self.name}_sum {self._sum!r}"
        yield f"{self.name}_count {sum(counts)}"


def text(*metrics: Counter | Gauge | Histogram) -> str:
    return "".join(f"{line}\n" for metric in metrics for line in metric.lines())


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
