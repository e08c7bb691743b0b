"""Python that a user brings: a file, run as importing it would.

What is run are the bytes that were read, never what Python may have compiled beside them.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from edgecnn import torch_state
from edgecnn.errors import ModelError, nearest
from edgecnn.text import excerpt, shortened


def run(path: Path, content: bytes, *, neighbors: bool) -> ModuleType:
    """Run a file, which may import what lies beside it where ``neighbors``. Raises ModelError with what it raised."""
    module = ModuleType(f"edgecnn_own_{re.sub(r'[^0-9A-Za-z_]', '_', path.stem)}")
    module.__file__ = str(path.resolve())
    with _importable(path, module, neighbors=neighbors), torch_state.random_state(torch.device("cpu")):
        try:
            exec(compile(content, module.__file__, "exec"), vars(module))
        except (Exception, SystemExit) as error:
            raise ModelError(
                f"{path}: cannot be imported ({said(error)}). Run it with python, and mend that."
            ) from error
    return module


def read(path: Path, what: str) -> bytes:
    """Return what is in a file of Python. Raises ModelError, which says ``what`` was expected."""
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
        raise ModelError(
            f"{excerpt(str(path))}: {reason}. Expected FILE.py:NAME, {what} in a file of Python."
        ) from None


def member(module: ModuleType, name: str, path: Path) -> Any:
    """Return what a module has by that name. Raises ModelError."""
    if not hasattr(module, name):
        known = [each for each, value in vars(module).items() if is_of(value, module)]
        raise ModelError(
            f"{path}: has no '{excerpt(name)}'; it has {', '.join(known) or 'no class or function'}."
            f"{nearest(name, known)}"
        )
    return getattr(module, name)


def is_of(value: object, module: ModuleType) -> bool:
    """Tell whether a class or function was defined in a module, or a network is there."""
    return getattr(value, "__module__", None) == module.__name__ or isinstance(value, torch.nn.Module)


def said(error: BaseException) -> str:
    """Return what somebody's code raised, in a line."""
    return f"{type(error).__name__}: {shortened(' '.join(str(error).split()), 200)}"


@contextmanager
def _importable(path: Path, module: ModuleType, *, neighbors: bool) -> Iterator[None]:
    """Let a file import its neighbors, as it does when it is run; or keep it from that."""
    before, folder = [*sys.path], path.resolve().parent
    apart = [entry for entry in before if entry and Path(entry).resolve() != folder]  # "" is the working directory
    sys.path[:] = [str(folder), *before] if neighbors else apart
    sys.modules[module.__name__] = module  # dataclasses and the like look there
    try:
        yield
    finally:
        sys.path[:] = before
