"""Open a model file in ONNX Runtime on exactly the provider that was asked for, or say why not."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecnn import zoo
from edgecnn.errors import ModelError, ProviderError, missing_package
from edgecnn.runtime import providers, threads

ERRORS_ONLY = 3  # ONNX Runtime's log severity: its warnings about a missing provider are errors of ours
EXTERNAL_DATA = "session.model_external_initializers_file_folder_path"
RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino")  # packages that share one import folder


@dataclass(frozen=True)
class OpenModel:
    """A session with what it really runs on. ``name`` stands for the file in messages."""

    session: Any
    name: str
    provider: str
    threads: int


def open_model(model: str | Path | bytes, *, provider: str = "cpu", thread_count: int | None = None) -> OpenModel:
    """Open a model file (a path, or a name of the zoo), or its bytes, for inference.

    The file is read here and handed over as bytes, and external data are looked for where there are none (ONNX Runtime
    would take them from the working directory): one file is the model.

    Raises ModelError for what is no model, ProviderError when the provider is not there or does not take all of it.
    """
    name, content = _read(model)
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
    count = threads.wanted(thread_count)
    wanted.prepare()
    try:
        session = ort.InferenceSession(
            content, _session_options(ort, provider, count), providers=[(wanted.ORT_NAME, wanted.options(count))]
        )
    except Exception as error:  # ONNX Runtime raises a family of its own without a common base
        raise _refused(name, provider, error) from error
    running = session.get_providers()[0]
    if running != wanted.ORT_NAME:
        raise ProviderError(
            f"{name}: asked for provider {provider}, but ONNX Runtime fell back to {running}. "
            "Its libraries could not be loaded; `edgecnn doctor` shows what is missing."
        )
    return OpenModel(session=session, name=name, provider=provider, threads=count)


def _read(model: str | Path | bytes) -> tuple[str, bytes]:
    if isinstance(model, bytes):
        return "model", model
    path = zoo.find(model)
    try:
        return str(model), path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}). Expected a model file (.onnx).") from error


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise missing_package("onnxruntime") from None
    except ImportError as error:
        raise ProviderError(f"onnxruntime does not start ({error}). Run: edgecnn doctor") from error
    return onnxruntime


def _session_options(ort: Any, provider: str, thread_count: int) -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.intra_op_num_threads = thread_count
    options.inter_op_num_threads = 1
    options.add_session_config_entry(EXTERNAL_DATA, os.devnull)
    if provider != "cpu":
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    return options


def _refused(name: str, provider: str, error: Exception) -> Exception:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if provider != "cpu":
        return ProviderError(f"{name}: provider {provider} does not take this model ({reason}). Try --provider cpu.")
    return ModelError(f"{name}: not a model that ONNX Runtime can open ({reason}).")
