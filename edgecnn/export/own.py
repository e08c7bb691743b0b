"""A module of PyTorch that a user brings: named in a file of Python, or saved by torch.export.

A file of Python is the user's own code and is run, as importing it would. Nothing is unpickled: weights are read as
tensors, and an archive that holds more than tensors and a graph is refused.
"""

import copy
import importlib.util
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import torch
from torch import nn

from edgecnn import torch_state
from edgecnn.errors import ModelError, nearest
from edgecnn.networks._weights import named_as, read_weights, unfit
from edgecnn.text import excerpt, shortened

SUFFIX, ARCHIVE = ".py:", ".pt2"
# The parts of an archive: names of tensors, what says which they are, the inputs it was traced with, and the rest.
TENSOR = re.compile(r"(weight|tensor)_\d+")
CONFIG = re.compile(r"[^/]+/data/(weights|constants)/\w+_config\.json")
INPUTS = re.compile(r"[^/]+/data/sample_inputs/\w+\.pt")
PLAIN = re.compile(
    rf"[^/]+/(data/(weights|constants)/{TENSOR.pattern}|models/\w+\.json|archive_format|archive_version|byteorder|\.data/\w+)"
)


@dataclass(frozen=True)
class Own:
    """A module on the processor, in float32, for inference; what it is called, and what was done to it, a sentence
    each."""

    name: str
    module: nn.Module
    remarks: tuple[str, ...]


def is_named(model: object) -> bool:
    """Tell whether this is a module, FILE.py:NAME or an archive, and not a run."""
    return isinstance(model, nn.Module) or SUFFIX in str(model) or Path(str(model)).suffix == ARCHIVE


def opened(model: str | Path | nn.Module, weights: str | Path | None) -> Own:
    """Return a module ready to be exported, a copy of its own. Raises ModelError, or RecipeError for weights."""
    if isinstance(model, nn.Module):
        return _prepared(type(model).__name__, model, weights, fresh=False)
    if Path(model).suffix == ARCHIVE:
        if weights is not None:
            raise ModelError(f"{model}: has its weights inside. Leave out --weights.")
        return Own(str(model), _of_archive(Path(model)), ())
    found = named(str(model))
    if isinstance(found, nn.Module):
        return _prepared(str(model), found, weights, fresh=False)
    return _prepared(str(model), _called(str(model), found), weights, fresh=True)


def named(address: str) -> Any:
    """Return what FILE.py:NAME has. Raises ModelError."""
    file, _, name = address.rpartition(":")
    path = Path(file)
    if not path.is_file():
        raise ModelError(f"{path}: no such file. Expected FILE.py:NAME, a module of PyTorch in a file of Python.")
    module = _imported(path)
    if not hasattr(module, name):
        known = [each for each, value in vars(module).items() if _is_of(value, module)]
        raise ModelError(
            f"{path}: has no '{excerpt(name)}'; it has {', '.join(known) or 'no class or function'}."
            f"{nearest(name, known)}"
        )
    return getattr(module, name)


def transform(address: str) -> Any:
    """Return the transform that FILE.py:NAME is, or that a function of that name returns. Raises ModelError."""
    found = named(address)
    if not isinstance(found, FunctionType):
        return found
    try:
        return found()
    except Exception as error:
        raise ModelError(
            f"{address}: cannot be called without arguments ({_said(error)}). Name a transform, or a function that "
            "returns one."
        ) from error


def _is_of(value: object, module: ModuleType) -> bool:
    return getattr(value, "__module__", None) == module.__name__ or isinstance(value, nn.Module)


def _imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"edgecnn_own_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with _importable(path, module), torch_state.random_state(torch.device("cpu")):
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            raise ModelError(
                f"{path}: cannot be imported ({_said(error)}). Run it with python, and mend that."
            ) from error
    return module


@contextmanager
def _importable(path: Path, module: ModuleType) -> Iterator[None]:
    """Let a file import its neighbors, as it does when it is run."""
    before = [*sys.path]
    sys.path.insert(0, str(path.resolve().parent))
    sys.modules[module.__name__] = module  # dataclasses and the like look there
    try:
        yield
    finally:
        sys.path[:] = before


def _called(address: str, found: Any) -> nn.Module:
    """Return what a class or a function makes, the same whenever it is called."""
    if not callable(found):
        raise ModelError(f"{address}: is a {type(found).__name__}; expected a module, its class, or a function.")
    with torch_state.random_state(torch.device("cpu")):
        torch.manual_seed(0)
        try:
            made = found()
        except Exception as error:
            raise ModelError(
                f"{address}: cannot be called without arguments ({_said(error)}). Name a function that returns the "
                "module, such as: def net(): return Net(classes=10)"
            ) from error
    if not isinstance(made, nn.Module):
        raise ModelError(f"{address}: returned a {type(made).__name__}; expected a torch.nn.Module.")
    return made


def _prepared(name: str, module: nn.Module, weights: str | Path | None, *, fresh: bool) -> Own:
    remarks = []
    if module.training and not fresh:
        remarks.append("it was in training mode; the file answers as in inference mode (eval).")
    own = copy.deepcopy(module).cpu().float().eval()
    if weights is not None:
        remarks += _load(own, Path(weights), name)
    elif fresh:
        remarks.append("its weights are as it is made, with seed 0: no --weights were named.")
    return Own(name, own, tuple(remarks))


def _load(module: nn.Module, path: Path, name: str) -> list[str]:
    """Put a state dict into a module, all of it."""
    wanted = module.state_dict()
    found = named_as(read_weights(path), wanted)
    lacking = [key for key in wanted if key not in found.tensors]
    beyond = [key for key in found.tensors if key not in wanted]
    if lacking or beyond:
        raise ModelError(
            f"{path}: does not fit {name}: {_listed('it lacks', lacking)}{_listed('it has in addition', beyond)}"
            "Name the weights of this module."
        )
    for key, tensor in wanted.items():
        given = found.tensors[key]
        reason = unfit(given, tensor) or (
            f"has shape {tuple(given.shape)}; expected {tuple(tensor.shape)}" if given.shape != tensor.shape else None
        )
        if reason:
            raise ModelError(f"{path}: does not fit {name}: {key} {reason}.")
    module.load_state_dict(found.tensors)
    return [f"of {path.name}: {one}." for one in found.said]


def _listed(words: str, names: list[str]) -> str:
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return f"{words} {shown} ({len(names)}). " if names else ""


def _of_archive(path: Path) -> nn.Module:
    """Read what torch.export.save wrote, where it is tensors and a graph."""
    if not path.is_file():
        raise ModelError(f"{path}: no such file. Expected an archive of torch.export.save.")
    _check_archive(path)
    try:
        program = torch.export.load(path)
        return program.module()
    except Exception as error:  # an archive of another version raises nearly anything
        raise ModelError(f"{path}: cannot be loaded ({_said(error)}). Save it anew with torch.export.save.") from error


def _check_archive(path: Path) -> None:
    """Raise ModelError for an archive with parts that loading would run: pickles, libraries, objects of TorchScript.

    What is not known to be tensors or a graph is refused, so that another kind of object, or the format of before
    PyTorch 2.8, whose weights are pickled, gets no further.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            found = next((name for name in names if names.count(name) > 1 or not _is_harmless(archive, name)), None)
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError, AttributeError, LookupError, TypeError) as error:
        raise ModelError(f"{path}: no archive of torch.export.save ({_said(error)}).") from error
    if found is not None:
        raise ModelError(
            f"{path}: holds {excerpt(found)}, which is more than tensors and a graph, and which loading may run. "
            "Export the module from its source, as FILE.py:NAME with --weights."
        )


def _is_harmless(archive: zipfile.ZipFile, name: str) -> bool:
    """Tell whether a part of an archive is a tensor, a graph, or what describes them."""
    if CONFIG.fullmatch(name):
        entries = json.loads(archive.read(name)).get("config", {}).values()
        return all(TENSOR.fullmatch(entry["path_name"]) and not entry.get("use_pickle") for entry in entries)
    if INPUTS.fullmatch(name):
        try:
            torch.load(io.BytesIO(archive.read(name)), weights_only=True)
        except Exception:  # then torch.export would load it with all that it may run
            return False
        return True
    return PLAIN.fullmatch(name) is not None


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {shortened(' '.join(str(error).split()), 200)}"
