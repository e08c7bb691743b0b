"""Other runtimes that model files run in: one file each, found by its name (``Runtime`` says what such a file has)."""

from edgecnn.bench.runtimes._found import (
    PREFIX,
    Opened,
    Run,
    Runtime,
    State,
    get,
    load_in,
    named_in,
    names,
    states,
    titled,
)

__all__ = ["PREFIX", "Opened", "Run", "Runtime", "State", "get", "load_in", "named_in", "names", "states", "titled"]
