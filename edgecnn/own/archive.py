"""An archive of torch.export as a module, where it is tensors and a graph: what loading it would run is refused."""

import io
import json
import re
import zipfile
from pathlib import Path

import torch
from torch import nn

from edgecnn.errors import ModelError
from edgecnn.networks._code import said
from edgecnn.text import excerpt

# The parts of an archive: names of tensors, what says which they are, the inputs it was traced with, and the rest.
TENSOR = re.compile(r"(weight|tensor)_\d+")
CONFIG = re.compile(r"[^/]+/data/(weights|constants)/\w+_config\.json")
INPUTS = re.compile(r"[^/]+/data/sample_inputs/\w+\.pt")
PLAIN = re.compile(
    rf"[^/]+/(data/(weights|constants)/{TENSOR.pattern}|models/\w+\.json|archive_format|archive_version|byteorder|\.data/\w+)"
)


def of_archive(path: Path) -> nn.Module:
    """Read what torch.export.save wrote, where it is tensors and a graph."""
    if not path.is_file():
        raise ModelError(f"{path}: no such file. Expected an archive of torch.export.save.")
    _check_archive(path)
    try:
        program = torch.export.load(path)
        return program.module()
    except Exception as error:  # an archive of another version raises nearly anything
        raise ModelError(f"{path}: cannot be loaded ({said(error)}). Save it anew with torch.export.save.") from error


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
        raise ModelError(f"{path}: no archive of torch.export.save ({said(error)}).") from error
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
