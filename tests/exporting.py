"""The exporter's table of operators, made once a process: PyTorch makes one for each file, in a third of its time."""

import functools


def make_table_once() -> None:
    """Let ``torch.onnx.export`` keep the table; nothing here adds an operator of its own to it."""
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    if not hasattr(ONNXRegistry.from_torchlib, "cache_info"):
        ONNXRegistry.from_torchlib = staticmethod(functools.cache(ONNXRegistry.from_torchlib))
