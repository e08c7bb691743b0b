"""Programs of this repository as modules, so that tests reach their parts."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]


def program(path: str) -> ModuleType:
    """Load a file, such as tools/trace.py, without running what only a command does."""
    name = f"program_{Path(path).stem}"
    spec = importlib.util.spec_from_file_location(name, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    if (folder := str((ROOT / path).parent)) not in sys.path:
        sys.path.append(folder)  # as of a command, which finds what lies beside it
    spec.loader.exec_module(module)
    return module
