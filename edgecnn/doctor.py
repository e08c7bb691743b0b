"""Is this installation whole? Providers, processor, threads, versions, and what installs the rest."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from edgecnn import zoo
from edgecnn.card import ModelCard, beside
from edgecnn.data import data_root
from edgecnn.devices.connection import connected
from edgecnn.devices.opened import saturates_on
from edgecnn.errors import EXTRA_OF_MODULE, DeviceError, EdgecnnError
from edgecnn.machine.environment import Environment, environment
from edgecnn.metadata import read_card
from edgecnn.runtime import engine, int8, providers
from edgecnn.runtime.session import RUNTIMES
from edgecnn.web import has_page


@dataclass(frozen=True)
class ProviderState:
    """One execution provider: whether this onnxruntime offers it, and what installs it."""

    name: str
    available: bool
    install: str


@dataclass(frozen=True)
class Missing:
    """Packages that are not there, and the command that brings them."""

    modules: list[str]
    install: str


@dataclass(frozen=True)
class Diagnosis:
    """Everything found. ``problems`` are what keeps edgecnn from working, not what is merely not installed.

    ``int8_saturates`` says of this processor that unsafe int8 files need the slower exact way; None without a runtime.
    ``page`` says whether what ``edgecnn web`` serves is there.
    ``unmeasured`` are the models whose preferred form was not measured on a processor of this family.
    """

    environment: Environment
    providers: list[ProviderState]
    missing: list[Missing]
    problems: list[str]
    data_root: Path
    int8_saturates: bool | None
    page: bool
    unmeasured: list[str]


def diagnose() -> Diagnosis:
    """Look at this installation."""
    recorded = environment()
    saturates = int8.saturates() if isinstance(_runtime(), list) else None
    return Diagnosis(
        environment=recorded,
        providers=provider_states(),
        missing=_missing(),
        problems=_problems(recorded),
        data_root=data_root(),
        int8_saturates=saturates,
        page=has_page(),
        unmeasured=unmeasured(recorded.family),
    )


@dataclass(frozen=True)
class DeviceDiagnosis:
    """What a device has to run model files with: its Python, that one's packages in ``environment``, and providers.

    ``problems`` are what keeps model files from running there; ``int8_saturates`` and ``unmeasured`` as in a Diagnosis.
    """

    environment: Environment
    python: str
    providers: list[ProviderState]
    problems: list[str]
    int8_saturates: bool | None
    unmeasured: list[str]


def diagnose_on(device: str) -> DeviceDiagnosis:
    """Look at what a device has. Raises DeviceError where it cannot be reached, ConnectionLost."""
    with connected(device) as connection:
        problems = []
        try:
            connection.check_packages()
        except DeviceError as error:
            problems.append(str(error))
        return DeviceDiagnosis(
            environment=connection.environment,
            python=connection.hello.python.program,
            providers=[
                ProviderState(name, found.ORT_NAME in connection.hello.providers, f"pip install {_package(found)}")
                for name, found in _known()
            ],
            problems=problems,
            int8_saturates=None if problems else saturates_on(connection),
            unmeasured=unmeasured(connection.environment.family),
        )


def _known() -> list[tuple[str, providers.Provider]]:
    return [(name, providers.get(name)) for name in providers.names()]


def _package(provider: providers.Provider) -> str:
    """Return the package that brings a provider where edgecnn is not, as its extra is called."""
    return "onnxruntime" if provider.EXTRA == "cpu" else f"onnxruntime-{provider.EXTRA}"


def unmeasured(family: str) -> list[str]:
    """Return the models of the zoo whose preferred form is another than their parent's, and was not measured on
    processors of this family: there another form may be the fastest."""
    return [model.name for model in zoo.models() if len(model.forms) > 1 and family not in _families(model.preferred)]


def _families(model: Path) -> list[str]:
    """Return the families that a file was measured on; of a file that cannot be read, none are known."""
    try:
        card = ModelCard.read_beside(model) if beside(model).exists() else read_card(model)
    except EdgecnnError:
        return []
    return card.quantization.families() if card.quantization else []


def provider_states() -> list[ProviderState]:
    """Return every provider that edgecnn knows, and whether it is there."""
    offered = _offered()
    return [
        ProviderState(name, provider.ORT_NAME in offered, f"pip install 'edgecnn[{provider.EXTRA}]'")
        for name, provider in _known()
    ]


def _missing() -> list[Missing]:
    """Return what is not installed, by the extra that brings it."""
    absent = [module for module in EXTRA_OF_MODULE if importlib.util.find_spec(module) is None]
    extras = dict.fromkeys(EXTRA_OF_MODULE[module] for module in absent)
    return [
        Missing([module for module in absent if EXTRA_OF_MODULE[module] == extra], f"pip install 'edgecnn[{extra}]'")
        for extra in extras
    ]


def _offered() -> list[str]:
    return [] if isinstance(found := _runtime(), str) else found


def _runtime() -> list[str] | str:
    """Return the providers of the onnxruntime that is there, or why there are none."""
    if importlib.util.find_spec("onnxruntime") is None:
        return "no onnxruntime: no model can run. Run: pip install 'edgecnn[cpu]'"
    try:
        return list(engine.onnxruntime().get_available_providers())
    except (ImportError, AttributeError) as error:  # a library is lacking, or two wheels overwrote each other
        return f"onnxruntime does not start ({error}). Reinstall it, in a new environment if need be."


def _problems(recorded: Environment) -> list[str]:
    runtimes = [name for name in RUNTIMES if name in recorded.versions]
    found = _runtime()
    problems = [found] if isinstance(found, str) else []
    if len(runtimes) > 1:
        problems.append(
            f"{' and '.join(runtimes)} share one import folder and overwrite each other. Run: pip uninstall -y "
            f"{' '.join(runtimes)}, then install exactly one of edgecnn[cpu], edgecnn[gpu], edgecnn[openvino]"
        )
    return problems
