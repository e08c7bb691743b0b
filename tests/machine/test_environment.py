"""What a figure says of where it was measured."""

import importlib.metadata
import os
import platform
from dataclasses import replace

import pytest

import edgecnn
from edgecnn.machine import FEATURES, facts, processor, threads
from edgecnn.machine.environment import Environment, environment
from edgecnn.machine.facts import installed


@pytest.fixture(scope="module")
def here() -> Environment:
    return environment()


def test_names_the_processor_and_the_system(here: Environment) -> None:
    assert here.processor == processor() != ""
    assert here.architecture == platform.machine()
    assert platform.system() in here.system
    assert platform.python_version() in here.system


def test_threads_are_what_a_session_would_use(here: Environment) -> None:
    assert (here.threads_available, here.affinity) == (threads.available(), threads.affinity())
    assert 1 <= here.threads_available <= (os.cpu_count() or 1)


def test_memory_is_that_of_the_machine(here: Environment) -> None:
    assert here.memory_bytes is None or 2**26 < here.memory_bytes < 2**48


def test_versions_are_those_installed(here: Environment) -> None:
    assert here.versions["edgecnn"] == edgecnn.__version__
    for package in ("numpy", "onnxruntime", "torch", "onnx"):
        assert here.versions[package] == importlib.metadata.version(package)


def test_package_that_is_missing_is_left_out() -> None:
    assert installed(("numpy", "no-such-package-anywhere")) == {"numpy": importlib.metadata.version("numpy")}


def test_features_are_the_known_ones_in_their_order(here: Environment) -> None:
    assert here.cpu_features == [feature for feature in FEATURES if feature in here.cpu_features]


@pytest.mark.skipif(platform.system() != "Linux", reason="reads /proc")
def test_features_are_found_on_linux(here: Environment) -> None:
    assert {"avx2", "asimd"} & set(here.cpu_features)


def test_busy_is_a_fraction(here: Environment) -> None:
    assert here.busy is None or here.busy >= 0


@pytest.mark.skipif(platform.system() != "Linux", reason="reads /proc")
def test_ticks_that_were_not_idle_are_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([[0, 0, 0, 0, 0, 0, 0, 0], [20, 0, 10, 60, 10, 0, 0, 0]])
    monkeypatch.setattr(facts, "cpu_ticks", lambda: next(ticks))
    assert facts.busy_fraction() == pytest.approx(0.3)


def test_load_is_taken_where_there_are_no_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "cpu_ticks", lambda: None)
    found = facts.busy_fraction()
    assert found is None or found >= 0


@pytest.mark.parametrize("busy", [None, 0.0, 0.09])
def test_quiet_machine_is_no_warning(here: Environment, busy: float | None) -> None:
    assert replace(here, busy=busy).warning is None


def test_busy_machine_is_a_warning(here: Environment) -> None:
    assert "something else kept 40% of the CPUs busy" in (replace(here, busy=0.4).warning or "")
