"""An ONNX Runtime session on a device, with the methods of one here, as far as edgecnn calls them."""

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecnn.devices.connection import Connection


@dataclass(frozen=True)
class Node:
    """An input or output of a graph."""

    name: str
    type: str
    shape: list[int | str | None]


@dataclass(frozen=True)
class Settings:
    """What a session is opened with: the provider by ONNX Runtime's name and its options, threads, severity of the log
    and entries of the session."""

    provider: str
    options: Mapping[str, str]
    threads: int
    severity: int
    entries: Sequence[tuple[str, str]] = ()


class DeviceSession:
    """A model opened on a device. ``load_ns`` is how long that took there, ``run_ns`` the last call."""

    def __init__(self, connection: Connection, model: bytes, settings: Settings, metadata: Mapping[str, str]) -> None:
        """Raises RuntimeError where ONNX Runtime there refuses the model, ConnectionLost."""
        found, _ = connection.attempt("open", vars(settings), [model])
        self.connection = connection
        self.load_ns: int = found["load_ns"]
        self.run_ns = 0
        self._keep = False
        self._number: int = found["session"]
        self._inputs = [Node(*node) for node in found["inputs"]]
        self._outputs = [Node(*node) for node in found["outputs"]]
        self._providers: list[str] = found["providers"]
        self._metadata = dict(metadata)

    def get_inputs(self) -> list[Node]:
        """Return what goes in."""
        return self._inputs

    def get_outputs(self) -> list[Node]:
        """Return what comes out."""
        return self._outputs

    def get_providers(self) -> list[str]:
        """Return the providers that it runs on, the first one first."""
        return self._providers

    def get_modelmeta(self) -> SimpleNamespace:
        """Return what the file says of itself."""
        return SimpleNamespace(custom_metadata_map=self._metadata)

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Have the calls that are made meanwhile kept there, to be timed."""
        self._keep = True
        try:
            yield
        finally:
            self._keep = False

    def run(self, outputs: Sequence[str], inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Run it there. Raises RuntimeError where that fails, ConnectionLost."""
        asked = {"session": self._number, "outputs": list(outputs), "inputs": list(inputs), "keep": self._keep}
        found, back = self.connection.attempt("run", asked, [_packed(array) for array in inputs.values()])
        self.run_ns = found["ns"]
        return [np.load(io.BytesIO(blob), allow_pickle=False) for blob in back]


def _packed(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()
