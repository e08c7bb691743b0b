"""The machine: its processor and that one's family, the threads a process may use, and what a figure says of both."""

from edgecnn.machine.cpu import FEATURES, cpu_features, family, family_of, processor

__all__ = ["FEATURES", "cpu_features", "family", "family_of", "processor"]
