"""Model files opened on a device: the same classes as here, whose sessions are there."""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from edgecnn import zoo
from edgecnn.contender import Bare, Named
from edgecnn.devices.connection import Connection, connected
from edgecnn.devices.session import DeviceSession, Settings
from edgecnn.errors import EdgecnnError, ModelError, ProviderError
from edgecnn.metadata import read_metadata
from edgecnn.runtime import int8, providers
from edgecnn.runtime.load import load_model, model_of
from edgecnn.runtime.model import Model
from edgecnn.runtime.session import CPU, FATAL_ONLY, NO_FALLBACK, OpenModel, exact, refused, unsafe, unsaturated
from edgecnn.runtime.settings import settings_of


@contextlib.contextmanager
def opened_on(device: str | None, model: Named, *, provider: str = "cpu") -> Iterator[Model]:
    """Open a model file on a device for as long as it is used; for None, here. Raises as ``open_model_on`` does."""
    if device is None:
        yield load_model(_file(model), provider=provider)
        return
    with connected(device) as connection:
        yield load_model_on(connection, model, provider=provider)


def load_model_on(connection: Connection, model: Named, *, provider: str = "cpu", threads: int | None = None) -> Model:
    """Open a model file (a path, or a name of the zoo) on a device, whatever it is for. See ``open_model_on``."""
    return model_of(open_model_on(connection, model, provider=provider, threads=threads))


def open_model_on(
    connection: Connection, model: Named, *, provider: str = "cpu", threads: int | None = None
) -> OpenModel:
    """Open a model file (a path, or a name of the zoo) for inference on a device, where its ``session`` is.

    ``threads`` defaults to what the file's card says for that machine, else to what affinity and quota allow there. The
    model stays open as long as the connection.
    Raises ModelError, CardError, ProviderError, DeviceError or ConnectionLost.
    """
    connection.check_packages()
    file, name = zoo.find(_file(model)), f"{model} on {connection.place.name}"
    content = _content(file)
    metadata = read_metadata(content)
    wanted = providers.get(provider)
    if wanted.ORT_NAME not in connection.hello.providers:
        raise ProviderError(
            f"{name}: asked for provider {provider}, but the onnxruntime there offers "
            f"{', '.join(connection.hello.providers)}. Install there the one that has it, or ask for --provider cpu."
        )
    there = connection.environment
    chosen = settings_of(metadata, name, provider, threads, family=there.family, available=there.threads_available)
    entries = chosen.entries if wanted.ORT_NAME == CPU else [*chosen.entries, NO_FALLBACK]
    settings = Settings(wanted.ORT_NAME, wanted.options(chosen.threads), chosen.threads, FATAL_ONLY, entries)

    def start(*entries: tuple[str, str], graph: bytes = content) -> DeviceSession:
        return DeviceSession(connection, graph, replace(settings, entries=[*settings.entries, *entries]), metadata)

    try:
        session = start()
    except RuntimeError as error:
        raise refused(name, provider, error, connection.hello.onnxruntime) from error
    if session.get_providers()[0] != wanted.ORT_NAME:
        raise ProviderError(
            f"{name}: asked for provider {provider}, but ONNX Runtime there fell back to {session.get_providers()[0]}. "
            "Its libraries could not be loaded there."
        )
    digest = hashlib.sha256(content).hexdigest()
    opened = OpenModel(
        session,
        name,
        provider,
        chosen,
        source=file.absolute(),
        sha256=digest,
        environment=connection.environment,
    )
    card = unsafe(opened)
    if card is None:
        return opened

    def wrong(entry: tuple[str, str] | None) -> frozenset[str]:
        return int8.wrong_of(lambda graph: start(*([entry] if entry else []), graph=graph))

    if wanted.ORT_NAME != CPU:
        return unsaturated(opened, card, wrong)
    if wrong(None):
        return replace(opened, session=exact(start, card, name, wrong), exact_int8=True)
    return opened


def saturates_on(connection: Connection) -> bool:
    """Tell whether int8 sums saturate on the processor of a device."""
    settings = Settings(CPU, {}, 1, FATAL_ONLY)
    return bool(int8.wrong_of(lambda graph: DeviceSession(connection, graph, settings, {})))


def _file(model: Named) -> str | Path:
    if isinstance(model, Bare):
        raise EdgecnnError(
            f"{model}: is a module of PyTorch, and a device runs model files. Export it first: edgecnn export {model}"
        )
    return model


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file}: cannot be read ({error.strerror}). Expected a model file (.onnx).") from error
