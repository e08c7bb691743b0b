"""Execution providers: one file each, found by its name (``Provider`` says what such a file has)."""

from edgecnn.runtime.providers._found import Convert, Provider, converted, get, names

__all__ = ["Convert", "Provider", "converted", "get", "names"]
