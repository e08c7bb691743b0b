"""Is this installation whole? Providers, processor, threads, versions, and the command that installs what is missing."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from edgecnn.bench.environment import Environment, environment
from edgecnn.data import data_root
from edgecnn.errors import EXTRA_OF_MODULE
from edgecnn.runtime import providers

RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino")


@dataclass(frozen=True)
class ProviderState:
    """One execution provider: whether this onnxruntime offers it, and what installs it."""

    name: str
    available: bool
    install: str


@dataclass(frozen=True)
class Missing:
    """A package that is not there, and the command that brings it."""

    module: str
    install: str


@dataclass(frozen=True)
class Diagnosis:
    """Everything found. ``problems`` are what keeps edgecnn from working, not what is merely not installed."""

    environment: Environment
    providers: list[ProviderState]
    missing: list[Missing]
    problems: list[str]
    data_root: Path


def diagnose() -> Diagnosis:
    """Look at this installation."""
    recorded = environment()
    offered = _offered()
    missing = [
        Missing(module, f"pip install 'edgecnn[{extra}]'")
        for module, extra in EXTRA_OF_MODULE.items()
        if importlib.util.find_spec(module) is None
    ]
    states = []
    for name in providers.names():
        provider = providers.get(name)
        states.append(ProviderState(name, provider.ORT_NAME in offered, f"pip install 'edgecnn[{provider.EXTRA}]'"))
    return Diagnosis(recorded, states, missing, _problems(recorded, offered), data_root())


def _offered() -> list[str]:
    if importlib.util.find_spec("onnxruntime") is None:
        return []
    import onnxruntime

    return list(onnxruntime.get_available_providers())


def _problems(recorded: Environment, offered: list[str]) -> list[str]:
    runtimes = [name for name in RUNTIMES if name in recorded.versions]
    problems = []
    if not offered:
        problems.append("no onnxruntime: no model can run. Run: pip install 'edgecnn[cpu]'")
    if len(runtimes) > 1:
        problems.append(
            f"{' and '.join(runtimes)} share one import folder and overwrite each other. Run: pip uninstall -y "
            f"{' '.join(runtimes)}, then install exactly one of edgecnn[cpu], edgecnn[gpu], edgecnn[openvino]"
        )
    return problems
