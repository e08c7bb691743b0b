"""Runtimes that model files run in, beside the ONNX Runtime that edgecnn runs on: one file each, found by its name.

A runtime's module has:

``TITLE``                    what tables call it
``INSTALL``                  the command that installs it
``version()``                which one is installed here, or None
``opened(model, threads)``   how a model file is run in it with so many threads

What comes back from ``opened`` stands in for an ONNX Runtime session, so the classes of edgecnn, their self-test and
``bench`` treat it as that. Raise whatever there is to raise: ``bench`` shows it as the reason why a file was not
measured there.
"""

import importlib.metadata
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol, cast

from numpy.typing import NDArray

from edgecnn import zoo
from edgecnn.errors import EdgecnnError, ModelError, missing_package
from edgecnn.files import sha256
from edgecnn.machine import threads as machine_threads
from edgecnn.metadata import read_metadata
from edgecnn.registry import RUNTIMES
from edgecnn.runtime.load import model_of
from edgecnn.runtime.model import Model
from edgecnn.runtime.session import OpenModel
from edgecnn.runtime.settings import Settings

PREFIX = "runtime:"  # of a name among those of providers

Run = Callable[[Sequence[str], Mapping[str, NDArray[Any]]], Sequence[NDArray[Any]]]  # names of outputs, inputs by name


@dataclass(frozen=True)
class Opened:
    """A model file opened in another runtime: ``run`` answers the outputs of those names.

    ``repeat``, of a runtime in a process of its own, makes the last call again so many times, and returns how long each
    took there, in ns; ``peak_bytes`` is the most memory that this process has held.
    """

    run: Run
    repeat: Callable[[int], list[int]] | None = None
    peak_bytes: Callable[[], int] | None = None


class Runtime(Protocol):
    """What the module of a runtime has."""

    TITLE: str
    INSTALL: str

    def version(self) -> str | None:
        """Return which one is installed here, or None."""

    def opened(self, model: Path, threads: int) -> Opened:
        """Open a model file to be run with so many threads."""


@dataclass(frozen=True)
class State:
    """A runtime by its name, which version is here (None is not installed), and what installs it."""

    name: str
    title: str
    version: str | None
    install: str


def names() -> tuple[str, ...]:
    """Return the names of the runtimes that edgecnn knows, sorted."""
    return RUNTIMES.names()


def get(name: str) -> Runtime:
    """Return the runtime of that name, or raise EdgecnnError."""
    return cast(Runtime, RUNTIMES.module(name))


def states() -> list[State]:
    """Return all runtimes, with what is installed of each."""
    found = [(name, get(name)) for name in names()]
    return [State(name, runtime.TITLE, runtime.version(), runtime.INSTALL) for name, runtime in found]


def named_in(provider: str) -> str | None:
    """Return the runtime that is named where a provider may stand, or None for a provider."""
    return provider.removeprefix(PREFIX) if provider.startswith(PREFIX) else None


def titled(name: str) -> str:
    """Return a runtime with its version."""
    found = get(name)
    return f"{found.TITLE} {found.version() or ''}".strip()


def installed(package: str, module: str | None = None) -> str | None:
    """Return the version of a package that can be imported, or None."""
    if importlib.util.find_spec(module or package) is None:
        return None
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "of an unknown version"


def load_in(name: str, model: str | Path, *, threads: int | None = None) -> tuple[Model, Opened]:
    """Open a model file (a path, or a name of the zoo) in another runtime, as what its card says that it is for.

    Raises ModelError, also of what the runtime raises, CardError and MissingPackageError.
    """
    file, count = zoo.find(model), machine_threads.wanted(threads)
    try:
        opened = get(name).opened(file.absolute(), count)
    except EdgecnnError:
        raise
    except Exception as error:  # whatever a runtime raises
        raise ModelError(f"{model}: {titled(name)} does not open it ({reason_of(error)}).") from error
    session = Session(opened.run, titled(name), file)
    found = OpenModel(session, str(model), PREFIX + name, Settings(count), source=file.absolute(), sha256=sha256(file))
    return model_of(found), opened


class Session:
    """A model file in another runtime, with the methods of ONNX Runtime's session, as far as edgecnn calls them."""

    def __init__(self, run: Run, title: str, file: Path) -> None:
        """Raises MissingPackageError where there is no onnx to read the graph's inputs and outputs with."""
        self._run, self._title, self._metadata = run, title, read_metadata(file)
        graph = _model_of(file).graph
        self._inputs, self._outputs = [_node(value) for value in graph.input], [_node(value) for value in graph.output]

    def get_inputs(self) -> list[SimpleNamespace]:
        """Return what goes in."""
        return self._inputs

    def get_outputs(self) -> list[SimpleNamespace]:
        """Return what comes out."""
        return self._outputs

    def get_providers(self) -> list[str]:
        """Return what runs it."""
        return [self._title]

    def get_modelmeta(self) -> SimpleNamespace:
        """Return what the file says of itself."""
        return SimpleNamespace(custom_metadata_map=self._metadata)

    def run(self, outputs: Sequence[str], inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Run it there. Raises ModelError with the reason of whatever the runtime raises."""
        try:
            return list(self._run(outputs, inputs))
        except Exception as error:
            raise ModelError(f"{self._title} does not run it ({reason_of(error)}).") from error


TYPES = {1: "tensor(float)", 2: "tensor(uint8)", 7: "tensor(int64)"}  # of TensorProto, as ONNX Runtime names them


def _model_of(file: Path) -> Any:
    try:
        import onnx
    except ModuleNotFoundError:
        raise missing_package("onnx") from None
    return onnx.load(file, load_external_data=False)


def _node(value: Any) -> SimpleNamespace:
    tensor = value.type.tensor_type
    shape = [size.dim_value if size.HasField("dim_value") else size.dim_param or None for size in tensor.shape.dim]
    return SimpleNamespace(name=value.name, type=TYPES.get(tensor.elem_type, "tensor"), shape=shape)


def reason_of(error: Exception) -> str:
    """Return what a runtime says in one line; what follows the first paragraph is its stack."""
    said = str(error).strip().split("\n\n")[0]
    return " ".join(said.split()) or type(error).__name__


def outputs_of(file: Path) -> list[str]:
    """Return the names of a graph's outputs, in their order."""
    return [value.name for value in _model_of(file).graph.output]


def fixed(file: Path, shape: Sequence[int]) -> Any:
    """Return a file as onnx's ModelProto that takes input of one shape alone, for which runtimes compile it better."""
    model = _model_of(file)
    del model.graph.value_info[:]
    _set_shape(model.graph.input[0], shape)
    for value in model.graph.output:
        sizes = value.type.tensor_type.shape.dim
        if sizes and sizes[0].HasField("dim_param"):
            sizes[0].dim_value = shape[0]
    return model


def _set_shape(value: Any, shape: Sequence[int]) -> None:
    for size, wanted in zip(value.type.tensor_type.shape.dim, shape, strict=True):
        size.dim_value = wanted
