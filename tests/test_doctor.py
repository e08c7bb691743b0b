"""An installation that is whole has no problems; one that is not says what to run."""

import importlib.metadata
import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from edgecnn import doctor
from edgecnn.machine import facts, family
from edgecnn.runtime import int8


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "QUIET_SECONDS", 0.01)


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Callable[[set[str], set[str]], None]:
    """Pretend that distributions are installed, and that modules are not."""
    version, find_spec = importlib.metadata.version, importlib.util.find_spec

    def patch(distributions: set[str], without: set[str]) -> None:
        def pretended_version(name: str) -> str:
            return "1.22.0" if name in distributions else version(name)

        monkeypatch.setattr(importlib.metadata, "version", pretended_version)
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in without else find_spec(name))

    return patch


def test_this_installation_has_no_problems() -> None:
    assert doctor.diagnose().problems == []


def test_this_installation_lacks_nothing_that_training_needs() -> None:
    absent = {module for missing in doctor.diagnose().missing for module in missing.modules}
    assert not {"torch", "onnx", "sklearn"} & absent


def test_cpu_is_available() -> None:
    states = {state.name: state for state in doctor.provider_states()}
    assert set(states) == {"cpu", "cuda", "openvino"}
    assert states["cpu"].available
    assert states["cuda"].install == "pip install 'edgecnn[gpu]'"


def test_two_runtimes_are_a_problem(pretend: Callable) -> None:
    pretend({"onnxruntime", "onnxruntime-gpu"}, set())
    (problem,) = doctor.diagnose().problems
    assert "onnxruntime and onnxruntime-gpu share one import folder and overwrite each other" in problem
    assert "pip uninstall -y onnxruntime onnxruntime-gpu" in problem


def test_a_runtime_that_does_not_start_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left where two wheels have overwritten each other."""
    monkeypatch.delattr("onnxruntime.get_available_providers")
    found = doctor.diagnose()
    (problem,) = found.problems
    assert "onnxruntime does not start (module 'onnxruntime' has no attribute" in problem
    assert not any(state.available for state in found.providers)


def test_no_runtime_is_a_problem(pretend: Callable) -> None:
    pretend(set(), {"onnxruntime"})
    found = doctor.diagnose()
    assert any("no onnxruntime: no model can run. Run: pip install 'edgecnn[cpu]'" in line for line in found.problems)
    assert not any(state.available for state in found.providers)


def test_missing_packages_come_with_the_command_that_brings_them(pretend: Callable) -> None:
    pretend(set(), {"sympy", "matplotlib", "cv2"})
    missing = {entry.install: set(entry.modules) for entry in doctor.diagnose().missing}
    assert missing["pip install 'edgecnn[train]'"] == {"sympy", "matplotlib"}
    assert missing["pip install 'edgecnn[webcam]'"] == {"cv2"}


def test_missing_package_is_no_problem(pretend: Callable) -> None:
    pretend(set(), {"torch", "matplotlib", "cv2"})
    assert doctor.diagnose().problems == []


def test_data_root_is_the_one_that_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGECNN_DATA", str(tmp_path))
    assert doctor.diagnose().data_root == tmp_path


def test_models_of_another_family_are_named(
    static_model: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "fp32.onnx").write_bytes(model.read_bytes())
    (tmp_path / "ours" / "preferred.onnx").write_bytes(static_model.read_bytes())
    monkeypatch.setenv("EDGECNN_MODELS", str(tmp_path))
    assert "ours" not in doctor.unmeasured(family())
    assert "ours" in doctor.unmeasured("a family of its own")
    assert "mnist-c1" not in doctor.unmeasured("a family of its own")  # its float32 form is the one to ship


def test_a_processor_that_saturates_is_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.diagnose().int8_saturates == int8.saturates()
    monkeypatch.setattr(int8, "wrong_outputs", lambda entry: frozenset({"conv"}))
    assert doctor.diagnose().int8_saturates
