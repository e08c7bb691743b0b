"""Open a model file in ONNX Runtime on exactly the provider that was asked for, or say why not."""

import hashlib
import math
import os
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgecnn import zoo
from edgecnn.card import CARD_KEY, ModelCard
from edgecnn.errors import EdgecnnError, Int8Warning, ModelError, ProviderError, missing_package
from edgecnn.machine import family, threads
from edgecnn.machine.environment import Environment
from edgecnn.metadata import read_metadata
from edgecnn.runtime import engine, int8, providers
from edgecnn.runtime.settings import Settings, settings_of
from edgecnn.text import shortened

CPU = "CPUExecutionProvider"
FLOAT32, FEW = np.dtype(np.float32), 256  # numbers of an output
FATAL_ONLY = 4  # what goes wrong is raised as well; the log would print names of the file as they are
NO_FALLBACK, FELL_BACK = ("session.disable_cpu_ep_fallback", "1"), "fallback to CPU EP has been explicitly disabled"
EXTERNAL_DATA = "session.model_external_initializers_file_folder_path"
OUTSIDE = "External data path"  # in what ONNX Runtime says of such weights
NEWER = re.compile(
    r"(IR version: \d+, max supported IR version: \d+)|(Opset \d+) is under .* (till opset \d+)", re.DOTALL
)
CODE = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")
PLACE = re.compile(r"\S+\.(?:cc|h|cpp):\d+ (?:[\w:<>~&* ]*::[\w:<>~&* ]*\((?:[^()]|\([^()]*\))*\)(?: const)? )?")
RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino")  # packages that share one import folder


@dataclass(frozen=True)
class OpenModel:
    """A session with what it really runs on. ``name`` stands for the file in messages.

    It is pickled as its ``source``, a file or its bytes, and opened again where it arrives, if that still has the same
    content. ``settings`` are what it was opened with. ``exact_int8`` says that its int8 sums may saturate on this
    processor, so that they are computed in another, slower way, which is exact. ``environment`` is the machine that it
    is opened on, where that is a device.
    """

    session: Any
    name: str
    provider: str
    settings: Settings
    source: Path | bytes
    sha256: str
    exact_int8: bool = False
    environment: Environment | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.source, self.sha256, self.provider, self.settings)

    @property
    def threads(self) -> int:
        """The threads that one call may use."""
        return self.settings.threads

    @cached_property
    def metadata(self) -> dict[str, str]:
        """What the file says of itself. Raises ModelError for what is no text."""
        try:
            return dict(self.session.get_modelmeta().custom_metadata_map)
        except UnicodeDecodeError as error:
            raise ModelError(f"{self.name}: its metadata are not UTF-8 ({error}). Export the model again.") from error

    def run(self, outputs: Sequence[str], inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Return the outputs of that name. Raises ModelError where the graph, which could be opened, does not run."""
        try:
            found: list[NDArray[Any]] = self.session.run(outputs, inputs)
        except EdgecnnError:
            raise  # the device, not the model
        except Exception as error:  # ONNX Runtime raises a family of its own without a common base
            given = ", ".join(f"{name} {array.dtype} {array.shape}" for name, array in inputs.items())
            raise ModelError(
                f"{self.name}: opens, but does not run on {given} ({_reason(error)}). Export the model again."
            ) from error
        for name, array in zip(outputs, found, strict=True):
            if not _finite(array):
                raise ModelError(
                    f"{self.name}: answers {name} that are no numbers (NaN or infinite), so its answers mean nothing. "
                    "Its weights are broken, or an operator overflows: export the model again from its checkpoint."
                )
        return found


def _finite(array: NDArray[Any]) -> bool:
    """Tell whether an output has no NaN and nothing infinite.

    Of a few numbers their sum as Python's floats says it, which float32 numbers do not overflow. With NumPy the answer
    to one image waits five microseconds longer, a tenth of what a small network takes.
    """
    if array.dtype == FLOAT32 and array.size <= FEW:
        return math.isfinite(sum(array.ravel().tolist()))
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def open_model(
    model: str | Path | bytes,
    *,
    provider: str = "cpu",
    thread_count: int | None = None,
    settings: Settings | None = None,
    profile: Path | None = None,
    optimized: Path | None = None,
) -> OpenModel:
    """Open a model file (a path, or a name of the zoo), or its bytes, for inference.

    The file is read here and handed over as bytes, and external data are looked for where there are none (ONNX Runtime
    would take them from the working directory): one file is the model. Without ``settings`` and ``thread_count`` it is
    run as its card says for this machine, else with all threads that are available (``edgecnn.runtime.settings``).

    A file whose int8 sums may saturate on this processor, as its card leaves open, is computed exactly, with an
    Int8Warning. ``profile`` is how the names of the runtime's profiles begin, which are written when it is asked to end
    profiling, and ``optimized`` the file that gets the graph as it really runs.

    Raises ModelError for what is no model or cannot be computed exactly, CardError for a broken card, ProviderError
    when the provider is not there or does not take all of it.
    """
    name, source, content = _read(model)
    ort = _onnxruntime()
    wanted = providers.get(provider)
    offered = ort.get_available_providers()
    if wanted.ORT_NAME not in offered:
        raise ProviderError(
            f"{name}: asked for provider {provider}, but this onnxruntime offers {', '.join(offered)}. "
            f"Install edgecnn[{wanted.EXTRA}] in place of the onnxruntime that is there "
            f"(pip uninstall -y {' '.join(RUNTIMES)}, "
            f"then pip install 'edgecnn[{wanted.EXTRA}]'), or ask for --provider cpu."
        )
    chosen, on_cpu = settings or _settings(content, name, provider, thread_count), wanted.ORT_NAME == CPU
    digest = hashlib.sha256(content).hexdigest()
    wanted.prepare()

    def start(*entries: tuple[str, str], graph: bytes = b"") -> Any:
        options = _session_options(ort, on_cpu, chosen, entries)
        if profile is not None:
            options.enable_profiling, options.profile_file_prefix = True, str(profile)
        if optimized is not None:
            options.optimized_model_filepath = str(optimized)
        return ort.InferenceSession(
            graph or taken, options, providers=[(wanted.ORT_NAME, wanted.options(chosen.threads))]
        )

    try:
        taken = providers.converted(provider, content, digest)
        session = start()
    except OSError:
        raise  # the disk, not the model
    except Exception as error:  # ONNX Runtime raises a family of its own without a common base
        raise refused(name, provider, error, ort.__version__) from error
    running = session.get_providers()[0]
    if running != wanted.ORT_NAME:
        raise ProviderError(
            f"{name}: asked for provider {provider}, but ONNX Runtime fell back to {running}. "
            "Its libraries could not be loaded; `edgecnn doctor` shows what is missing."
        )
    opened = OpenModel(session, name, provider, chosen, source=source, sha256=digest)
    card = unsafe(opened)
    if card is None:
        return opened
    if not on_cpu:
        return unsaturated(opened, card, lambda entry: int8.wrong_of(lambda probe: start(graph=probe)))
    if int8.saturates():
        return replace(opened, session=exact(start, card, name, int8.wrong_outputs), exact_int8=True)
    return opened


def unsafe(opened: OpenModel) -> ModelCard | None:
    """Return the card of a file that leaves open that its int8 sums saturate on some processors, or None."""
    if CARD_KEY not in opened.metadata:
        return None
    card = ModelCard.from_metadata(opened.metadata, source=opened.name)
    return card if int8.may_saturate(card) else None


def exact(start: Callable[..., Any], card: ModelCard, name: str, wrong: int8.WrongOutputs) -> Any:
    """Return a session that computes the file exactly on a processor that saturates, with a warning, or refuse it."""
    for entry in int8.exact_entries(card, wrong):
        try:
            session = start(entry)
        except EdgecnnError:
            raise  # as above
        except Exception:  # as above; the next way may take it
            continue
        warnings.warn(
            f"{name}: {card.form} weights that may saturate on this processor, which adds int8 products in 16 bits. "
            "They are computed exactly here, which is slower; other programs would get wrong answers from this file. "
            "Quantize its float32 parent again for a form that is safe everywhere.",
            Int8Warning,
            stacklevel=2,
        )
        return session
    raise ModelError(
        f"{name}: {card.form} weights that may saturate on this processor, which adds int8 products in 16 bits, and "
        "ONNX Runtime has no exact way for this file. Use its float32 parent, or quantize that again: edgecnn quantize "
        "PARENT"
    )


def unsaturated(opened: OpenModel, card: ModelCard, wrong: int8.WrongOutputs) -> OpenModel:
    """Return a model on another provider than the processor's own, or refuse it where its int8 sums saturate there."""
    if wrong(None).isdisjoint(int8.needed(card)):
        return opened
    raise ProviderError(
        f"{opened.name}: {card.form} weights that may saturate on this processor, which adds int8 products in 16 bits, "
        f"and provider {opened.provider} has no exact way for them. Use its float32 parent, or --provider cpu."
    )


def _settings(content: bytes, name: str, provider: str, thread_count: int | None) -> Settings:
    """Return how a file is run here. What is no model file is for ONNX Runtime to refuse."""
    try:
        metadata = read_metadata(content)
    except ModelError:
        metadata = {}
    return settings_of(metadata, name, provider, thread_count, family=family(), available=threads.available())


def _reopened(source: Path | bytes, sha256: str, provider: str, settings: Settings) -> OpenModel:
    """Open what was pickled elsewhere. Raises ModelError where the file has changed since."""
    opened = open_model(source, provider=provider, settings=settings)
    if opened.sha256 != sha256:
        raise ModelError(f"{opened.name}: has changed since it was opened. Open it again with edgecnn.load.")
    return opened


def _read(model: str | Path | bytes) -> tuple[str, Path | bytes, bytes]:
    """Return what a model is called, where it comes from, and its content."""
    if isinstance(model, bytes):
        return "model", model, model
    path = zoo.find(model)
    try:
        return str(model), path.absolute(), path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}). Expected a model file (.onnx).") from error


def _onnxruntime() -> Any:
    try:
        return engine.onnxruntime()
    except ModuleNotFoundError:
        raise missing_package("onnxruntime") from None
    except ImportError as error:
        raise ProviderError(f"onnxruntime does not start ({error}). Run: edgecnn doctor") from error


def _session_options(ort: Any, on_cpu: bool, settings: Settings, entries: Iterable[tuple[str, str]]) -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = FATAL_ONLY
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry(EXTERNAL_DATA, os.devnull)
    for entry in (*settings.entries, *entries):
        options.add_session_config_entry(*entry)
    if not on_cpu:
        options.add_session_config_entry(*NO_FALLBACK)
    return options


def refused(name: str, provider: str, error: Exception, version: str) -> Exception:
    """Return what to raise where ONNX Runtime of that version did not open a file."""
    if newer := NEWER.search(str(error)):
        asked = newer[1] or f"{newer[2]}, supported {newer[3]}"
        return ModelError(
            f"{name}: was made for a newer ONNX Runtime than {version}, which is installed ({asked}). "
            "Run: pip install --upgrade onnxruntime"
        )
    reason = "it would leave part of it to the processor" if FELL_BACK in str(error) else _reason(error)
    if providers.get(provider).ORT_NAME != CPU:
        return ProviderError(
            f"{name}: provider {provider} does not take this model ({reason}). Try --provider cpu, or of an int8 model "
            "the float32 form."
        )
    if OUTSIDE in str(error):
        return ModelError(
            f"{name}: has weights outside of the file ({reason}). One of others is made whole by: edgecnn adopt FILE"
        )
    return ModelError(f"{name}: not a model that ONNX Runtime can open ({reason}).")


def _reason(error: Exception) -> str:
    """Return the first line of what ONNX Runtime says, without its error codes and the places in its C++ source."""
    said = str(error).strip().splitlines() or [type(error).__name__]
    reason = shortened(said[0], 1_000)  # first: names of 100 kB come in it, and a pattern may take the square of that
    return shortened(PLACE.sub("", CODE.sub("", reason)), 300)
